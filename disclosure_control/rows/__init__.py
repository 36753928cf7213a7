"""One node's rows: from its exact figures to the protected table that may leave it."""
