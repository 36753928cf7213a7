"""An authority's own policy, put into effect as adopting it does, or taken back, for tests of what it then decides."""

from pathlib import Path

from node.service import ADOPTED_FILE, POLICY_FILE


def put_policy(state: Path, text: str) -> None:
    """Have a node decide by this policy from now on."""
    for name in (ADOPTED_FILE, POLICY_FILE):
        (state / name).write_text(text)


def drop_policy(state: Path) -> None:
    """Have a node decide by the packaged matrix again."""
    for name in (ADOPTED_FILE, POLICY_FILE):
        (state / name).unlink()
