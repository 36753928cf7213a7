"""The page kit that hub and node share: layout, components, sessions, form tokens and headers. It works without scripts."""
