"""Regression models that federate: fitted from sums over rows, or from one table of patterns, and from nothing else."""
