"""How many examples a property is tried with."""

import os

DEEPER = 40
"""How many times as many `make test-deep` tries."""


def examples(usual: int) -> int:
    """The usual number of examples, or many times that in a deep run."""
    return usual * DEEPER if os.environ.get("CIRCE_DEEP") else usual
