"""What is said of children by figures that are no counts: averages, totals, spreads, lines."""
