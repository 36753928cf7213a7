"""Who may do what: the access matrix, its linter, the one wrapper that raises on deny, and row filters."""
