"""The page kit that hub and node share: layout, components, sessions, forms and headers, and no script at all."""
