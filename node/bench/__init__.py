"""Benchmarks of a node: what they measure, and the large files they measure with."""
