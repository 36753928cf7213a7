"""Privacy budgets: what a question costs, what an account has left, and what accuracy a budget buys."""
