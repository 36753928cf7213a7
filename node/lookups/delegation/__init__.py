"""Delegations: children named to somebody for a time; written, signed, told of, looked up at each reading, and ended.

Home decides at each reading. The receiving node is told of what is given and revoked, so that its people know at once.
"""
