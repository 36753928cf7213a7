"""A node's part in secure sums: what it keeps, checks, sends and erases. The protocol is in `federation.secure_sum`."""
