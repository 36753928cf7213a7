"""Differential privacy under a secure sum: noise that many nodes make together, exactly as large as was claimed."""
