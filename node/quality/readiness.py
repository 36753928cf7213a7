"""The readiness score: which factors and standard questions the loaded files can fill, and which file would help next.

A column can be filled when the input tables it needs are loaded; whether it is filled, and in how many rows, is counted
in the snapshot. The two differ where files do not match: a census of schools that none of the children goes to.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from node.ingest.staged import find_staged
from node.snapshots import Snapshot

TABLE = "child_year"


@dataclass(frozen=True, slots=True)
class Needs:
    """What is declared in `readiness.toml`.

    `columns` gives the sets of input tables, any of which fills a column; `groups` the condition in SQL of each group
    of children, and `told_of` the group of each factor.
    """

    columns: Mapping[str, Sequence[frozenset[str]]]
    groups: Mapping[str, str]
    factors: Mapping[str, Sequence[str]]
    told_of: Mapping[str, str]
    questions: Mapping[str, Sequence[str]]
    files: Mapping[str, frozenset[str]]

    def can_fill(self, columns: Iterable[str], loaded: Set[str]) -> list[str]:
        """Those of the columns that the loaded input tables can fill."""
        return [name for name in columns if any(tables <= loaded for tables in self.columns[name])]


@dataclass(frozen=True, slots=True)
class FactorReadiness:
    """A factor: its columns, those that the loaded files can fill, and the group of children that it is told of.

    `share` is that of the group's rows with a value in any of the columns, and each column has a share of its own.
    """

    name: str
    of: str
    columns: Mapping[str, float]
    fillable: tuple[str, ...]
    share: float


@dataclass(frozen=True, slots=True)
class QuestionReadiness:
    """A standard question, and the columns it needs that have no value in any row."""

    name: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NextFile:
    """A file not loaded: the factors nothing fills yet that it would, and how many more columns it would fill.

    `beside` is the other file without which it would fill none.
    """

    name: str
    factors: tuple[str, ...]
    columns: int
    beside: str | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """How ready a snapshot is."""

    factors: Sequence[FactorReadiness]
    questions: Sequence[QuestionReadiness]
    next_files: Sequence[NextFile]

    @property
    def score(self) -> tuple[int, int]:
        """How many of the factors have a value in some row, and how many factors there are."""
        return sum(each.share > 0 for each in self.factors), len(self.factors)

    def to_dict(self) -> dict[str, Any]:
        """The readiness as plain values for JSON."""
        filled, of = self.score
        return {
            "factors_filled": filled,
            "factors_of": of,
            "factors": [
                {
                    "name": each.name,
                    "of": each.of,
                    "share": each.share,
                    "fillable": list(each.fillable),
                    "columns": dict(each.columns),
                }
                for each in self.factors
            ],
            "questions": [
                {"name": each.name, "ready": not each.missing, "missing": list(each.missing)} for each in self.questions
            ],
            "next": [
                {
                    "file": each.name,
                    "beside": each.beside,
                    "factors": list(each.factors),
                    "columns": each.columns,
                }
                for each in self.next_files
            ],
        }

    def to_lines(self) -> Iterator[str]:
        """The readiness for reading."""
        filled, of = self.score
        yield f"Readiness: {filled} of the {of} factors have values"
        for each in self.factors:
            unfilled = [name for name in each.columns if name not in each.fillable]
            lack = f"; no file for {', '.join(unfilled)}" if unfilled else ""
            match = "; the files loaded tell of none of them" if each.fillable and not each.share else ""
            yield f"  {each.share:>6.1%}  {each.name}, of {each.of}{match}{lack}"
        ready = [each for each in self.questions if not each.missing]
        yield f"Standard questions: {len(ready)} of {len(self.questions)} can be answered"
        for question in self.questions:
            missing = f": no values of {', '.join(question.missing)}" if question.missing else ""
            yield f"  {'no ' if missing else 'yes'}  {question.name}{missing}"
        yield "Files that would help most next:" if self.next_files else "No file that is known would fill more."
        for rank, file in enumerate(self.next_files, start=1):
            factors = f", and so {', '.join(file.factors)}" if file.factors else ""
            beside = f" (beside {file.beside})" if file.beside else ""
            yield f"  {rank}. {file.name}{beside}: {file.columns} more column{'s' if file.columns > 1 else ''}{factors}"


@cache
def load_needs() -> Needs:
    """What `readiness.toml` declares."""
    with Path(__file__).with_name("readiness.toml").open("rb") as stream:
        declared = tomllib.load(stream)
    core = declared["core"]
    return Needs(
        columns={
            name: [frozenset([*core, *tables]) for tables in any_of] for name, any_of in declared["columns"].items()
        },
        groups=declared["groups"],
        factors={entry["name"]: entry["columns"] for entry in declared["factors"]},
        told_of={entry["name"]: entry["of"] for entry in declared["factors"]},
        questions={entry["name"]: entry["columns"] for entry in declared["questions"]},
        files={entry["name"]: frozenset(entry["tables"]) for entry in declared["files"]},
    )


def assess_readiness(snapshot: Snapshot) -> Readiness:
    """Count what a snapshot has of every factor, and rank the files that would fill more."""
    needs = load_needs()
    loaded = {name for name, _ in find_staged(snapshot.staged)}
    shares, filled = _count(snapshot.tables[TABLE], needs)
    factors = [
        FactorReadiness(
            name,
            needs.told_of[name],
            {column: shares[name, column] for column in columns},
            tuple(needs.can_fill(columns, loaded)),
            shares[name, ""],
        )
        for name, columns in needs.factors.items()
    ]
    questions = [
        QuestionReadiness(name, tuple(column for column in columns if column not in filled))
        for name, columns in needs.questions.items()
    ]
    return Readiness(factors, questions, rank_files(needs, loaded))


def rank_files(needs: Needs, loaded: Set[str]) -> list[NextFile]:
    """The files not yet loaded whole that would fill something, those that would fill most factors first.

    A file that fills nothing by itself is named with the one beside which it would fill most.
    """
    lacking = {name: tables for name, tables in needs.files.items() if not tables <= loaded}
    alone = {name: _gain(needs, loaded, name, tables) for name, tables in lacking.items()}
    useful = [each for each in alone.values() if each.columns]
    for name in lacking:
        if not alone[name].columns:
            pairs = [_gain(needs, loaded | lacking[other], name, lacking[name], other) for other in lacking]
            best = max(pairs, key=lambda each: each.columns)
            told = any((each.name, each.beside) == (best.beside, name) for each in useful)
            useful += [best] if best.columns and not told else []
    return sorted(useful, key=lambda each: (-len(each.factors), -each.columns))


def _gain(needs: Needs, loaded: Set[str], name: str, tables: frozenset[str], beside: str | None = None) -> NextFile:
    before = set(needs.can_fill(needs.columns, loaded))
    after = set(needs.can_fill(needs.columns, loaded | tables))
    new = tuple(each for each, columns in needs.factors.items() if after & {*columns} and not before & {*columns})
    return NextFile(name, new, len(after - before), beside)


def _count(path: Path, needs: Needs) -> tuple[Mapping[tuple[str, str], float], Set[str]]:
    """The share of rows with a value by factor and column ("" is any of them), and the columns with a value at all."""
    import duckdb

    wanted = {
        (name, column): (needs.groups[needs.told_of[name]], [column] if column else columns)
        for name, columns in needs.factors.items()
        for column in ("", *columns)
    }
    with duckdb.connect(":memory:") as connection:
        connection.read_parquet(str(path)).create_view("counted")
        present = {name for name, *_ in connection.execute("DESCRIBE counted").fetchall()}
        shares = ", ".join(_share(group, columns, present) for group, columns in wanted.values())
        counts = ", ".join(f'count("{name}")' if name in present else "0" for name in needs.columns)
        row = connection.execute(f"SELECT {shares}, {counts} FROM counted").fetchone()  # noqa: S608 - our own columns
    assert row is not None
    found = {key: float(share or 0) for key, share in zip(wanted, row, strict=False)}
    return found, {name for name, count in zip(needs.columns, row[len(wanted) :], strict=True) if count}


def _share(group: str, columns: Iterable[str], present: Set[str]) -> str:
    """SQL of the share of a group with a value in one of the columns; those that are not there have none."""
    has_any = " OR ".join(f'"{name}" IS NOT NULL' for name in columns if name in present) or "false"
    return f"round(count(*) FILTER (WHERE ({group}) AND ({has_any})) / nullif(count(*) FILTER (WHERE {group}), 0), 4)"
