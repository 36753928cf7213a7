"""Margins of error: how sure each figure of a release is, worked out from what is released and from nothing else."""
