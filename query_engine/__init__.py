"""Query engine: SQL text to a frozen query, to a plan of additive statistics over public cells, to engine SQL."""
