"""Tracking: what a virtual school sets down of the education of each child in its care, and what follows from it.

The record of a child is kept by the node of the authority that cares for the child, and by no other: its virtual school
updates it, and whoever the access policy permits reads it. Nothing in it is ever overwritten. What is worked out of a
record (`ambition`, `plans`, `absence`, `conversation`, `flags`) is pure; `store` is the one edge to the database.
"""
