"""What is told while a table is protected, which can take minutes: how far it is, and no figure."""

from collections.abc import Callable

__all__ = ["Progress", "say_nothing"]

Progress = Callable[[str], None]
"""Is told a line at each step, as often as there is one; whoever shows them chooses which."""


def say_nothing(_line: str) -> None:
    """Tell nobody."""
