"""Secure sums: many nodes' numbers are added up, and nobody can open one node's own.

After Bonawitz et al., CCS 2017, in the variant that withstands a dishonest hub. `docs/secure-sums.md` tells the whole
protocol; its steps S1 to S12 are the ones that the comments here name. Everything in this package is pure: no socket,
no database and no clock. Numbers are 64 bits wide and add up modulo 2**64.
"""
