"""Data quality as virtual schools need it: what is wrong with what was loaded, what is missing, and what changed."""
