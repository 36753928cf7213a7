"""Presets: the rules of disclosure control as named, versioned files, and which of two is stricter."""
