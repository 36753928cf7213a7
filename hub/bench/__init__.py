"""Benchmarks of a hub: what they measure, and the releases they measure with."""
