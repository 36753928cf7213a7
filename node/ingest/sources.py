"""Where rows come from: the files under the paths that were given, and what became of each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from node.ingest.formats import InputTable
from node.ingest.periods import Period


class LoadRefused(Exception):
    """A load cannot begin. The text says what is wrong with what it was given, and what to do."""


@dataclass(frozen=True, slots=True)
class Source:
    """One place rows are read from: a file, a member of an archive, or one table of an XML file.

    `member` is the member's name in the archive. `content` is where the rows lie, where that is not the file itself.
    `fault` names the rule under which the source is reported whole, with its `rows`, and not read.
    """

    path: Path
    member: str | None = None
    content: Path | None = None
    is_xml: bool = False
    fault: str | None = None
    rows: int = 0

    @property
    def file(self) -> Path:
        """The file to read."""
        return self.content or self.path

    @property
    def place(self) -> Path:
        """Path and member as one name."""
        return self.path / self.member if self.member else self.path

    @property
    def together(self) -> Path:
        """What the sources of one return have in common: their directory, or the XML file that they all are in."""
        return self.place if self.is_xml else self.place.parent


@dataclass(frozen=True, slots=True)
class InputFile:
    """A source that has been read: the table it is, its rows, and the periods that they belong to.

    `fault` is the rule under which the whole file is reported; then no row of it was read. `mapping` is the name of
    the mapping by which its columns were understood.
    """

    number: int
    source: Source
    table: InputTable | None
    rows: int
    fault: str | None = None
    periods: tuple[Period, ...] = ()
    mapping: str | None = None


def find_sources(paths: Iterable[Path]) -> list[Source]:
    """Every file named or under a named directory, in a settled order, each once; hidden files are passed over.

    Raises `LoadRefused`.
    """
    found: dict[Path, Source] = {}
    for path in paths:
        if not path.exists():
            raise LoadRefused(f"there is no file or directory {path}; check the path and try again")
        for each in _files_under(path):
            found.setdefault(each.resolve(), Source(each))
    return sorted(found.values(), key=lambda source: str(source.path))


def _files_under(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for each in path.rglob("*"):
        if each.is_file() and not any(part.startswith(".") for part in each.relative_to(path).parts):
            yield each
