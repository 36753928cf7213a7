"""The files in which a release is taken away, beside its document, its CSV and its page."""
