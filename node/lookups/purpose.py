"""Why somebody looks: a purpose is stated before anything is read or asked, and the log keeps it."""


class PurposeMissing(Exception):
    """A lookup or a list states a purpose that the log can keep."""
