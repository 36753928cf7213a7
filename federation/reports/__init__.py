"""Reports: what is asked of released figures about an authority, a region or the nation, and how it is laid out.

A report is a value: a title, whom it is for, and sections, each a measure and how it is split. It is written from
released tables alone, at the hub and at a node alike, and says in words what it has no figure of and why.
"""
