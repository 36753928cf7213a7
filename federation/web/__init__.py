"""The page kit that hub and node share: layout, components, sessions, forms, headers, one script for signing in."""
