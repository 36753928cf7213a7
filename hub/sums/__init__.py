"""Secure sums at the hub: it carries what nodes sign, adds up what they mask, and opens what they let it open."""
