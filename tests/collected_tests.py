"""Which of some tests a run would try: `python -m tests.collected_tests IDS` prints them, a line each.

Those that a mark leaves out are not printed. An id that is no test's is an error.
"""

import sys
from collections.abc import Sequence

import pytest

__all__ = ["Collected", "main"]


class Collected:
    """Notes what is collected, once marks are on it."""

    def __init__(self) -> None:
        self.tried: list[str] = []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The tests that no mark leaves out."""
        self.tried = [
            each.nodeid for each in session.items if not {"skip", "skipif"} & {m.name for m in each.iter_markers()}
        ]


def main(ids: Sequence[str]) -> int:
    """Print the tests that would be tried; returns what pytest does."""
    collected = Collected()
    code = pytest.main(["--collect-only", "-qqq", "-p", "no:cacheprovider", *ids], plugins=[collected])
    print("\n".join(["", "tried:", *collected.tried]))
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
