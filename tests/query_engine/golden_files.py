"""Reads the golden files: titled blocks of SQL statements."""

from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent / "golden"

QUESTIONS = ("same_question.sql", "different_questions.sql", "same_sources.sql", "different_sources.sql")
"""The files of questions that may be asked."""

ATTACKS = ("attacks.sql", "source_attacks.sql")
"""The files of texts that are refused."""


def golden_questions() -> list[str]:
    """Every question of the golden files, once each."""
    return sorted({each for name in QUESTIONS for block in read_blocks(name) for each in block.statements})


def golden_texts() -> list[str]:
    """Everything that the golden files have to try: questions and attacks."""
    return golden_questions() + [each.statement for name in ATTACKS for each in read_attacks(name)]


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


@dataclass(frozen=True)
class Attack:
    """A statement of a file of attacks, under its title, and the code that it must be refused with."""

    title: str
    statement: str
    code: str

    def __str__(self) -> str:
        return f"{self.title}: {self.statement[:60]}"


def read_attacks(name: str) -> list[Attack]:
    """Every statement of a file of attacks, each ending in a semicolon and its code."""
    title, found = "", []
    lines: list[str] = []
    for line in (_FOLDER / name).read_text(encoding="utf-8").splitlines():
        statement, mark, code = line.partition(";  -- refused: ")
        if line.startswith("-- ") or not line:
            title = line.removeprefix("-- ")
        elif mark:
            found.append(Attack(title, "\n".join([*lines, statement]), code))
            lines = []
        else:
            lines.append(line)
    assert not lines, "the last statement has no code"
    return found


def _statements(lines: list[str]) -> list[str]:
    return [each.strip() for each in "\n".join(lines).split(";") if each.strip()]
