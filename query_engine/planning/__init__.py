"""From a query to its plan: canonical conditions, public cells, sums that add up, and what can be proved of them."""
