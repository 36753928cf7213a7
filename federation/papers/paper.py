"""A paper as a value: headings with paragraphs, lists and tables below them, and how that is written as Markdown."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

_MARKUP = re.compile(r"[\\`*\[\]<>|#]|(?<![a-z0-9])_|_(?![a-z0-9])")
"""What Markdown would read as more than a letter; an underscore inside a name is none."""

TO_FILL_IN = "to be filled in by the controller"
"""What stands where no field of a project can tell, so that nobody takes a gap for an answer."""


@dataclass(frozen=True)
class Grid:
    """A table: the headings of its columns, and its rows."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = str | tuple[str, ...] | Grid
"""A paragraph, a list or a table."""


@dataclass(frozen=True)
class Section:
    """A heading, and what stands below it."""

    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Paper:
    """One paper of a project; `slug` names its file."""

    slug: str
    title: str
    sections: tuple[Section, ...]


def write_markdown(paper: Paper) -> str:
    """Return a paper as Markdown."""
    written = chain.from_iterable(_write_section(section) for section in paper.sections)
    return "\n\n".join([f"# {_plain(paper.title)}", *written]) + "\n"


def _write_section(section: Section) -> Iterator[str]:
    yield f"## {_plain(section.heading)}"
    for block in section.blocks:
        match block:
            case Grid(headings, rows):
                yield "\n".join(_write_row(row) for row in (headings, ["---"] * len(headings), *rows))
            case tuple():
                yield "\n".join(f"- {_plain(entry)}" for entry in block)
            case _:
                yield _plain(block)


def _write_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell if cell == '---' else _plain(cell) for cell in cells)} |"


def _plain(text: str) -> str:
    """A text in which nothing that people wrote can pass for the paper's own headings, links, rows or HTML."""
    return _MARKUP.sub(r"\\\g<0>", text)
