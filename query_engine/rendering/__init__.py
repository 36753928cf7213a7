"""A plan as SQL for an engine, built node by node."""
