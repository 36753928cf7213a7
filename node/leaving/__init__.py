"""What leaves this authority: every query that came here, what became of it, and what its own people say to it."""
