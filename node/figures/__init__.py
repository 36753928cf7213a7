"""An authority's own aggregates, for those of its people who get no records: figures, never a child.

Directors, inspectors, academy trusts and designated teachers ask here, at the authority's own node. What they
are shown is protected as what leaves the node is, and beside it: pages and releases are attacked together.
"""
