"""Reads the golden files: titled blocks of SQL statements."""

from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent / "golden"


@dataclass(frozen=True)
class Block:
    """A title and the statements under it."""

    title: str
    statements: tuple[str, ...]

    def __str__(self) -> str:
        return self.title


def read_blocks(name: str) -> list[Block]:
    """The blocks of a golden file, those without a statement left out."""
    blocks: list[tuple[str, list[str]]] = []
    for line in (_FOLDER / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("-- "):
            blocks.append((line.removeprefix("-- "), []))
        elif line.strip():
            blocks[-1][1].append(line)
    found = [Block(title, tuple(_statements(lines))) for title, lines in blocks]
    return [block for block in found if block.statements]


def _statements(lines: list[str]) -> list[str]:
    return [each.strip() for each in "\n".join(lines).split(";") if each.strip()]
