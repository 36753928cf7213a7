"""The query as a value: conditions, figures and groupings, and the view of a release."""
