"""Simple conditions on a child, and which are met by whoever meets another: in what was loaded, and by the catalogue.

A condition is that a column has a value, has any or none, or has at least or less than where a bin begins; or that the
child has a row of which that is true in a table of several for each.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from disclosure_control.linked.children.facts import Facts, Need, read_facts
from query_engine.catalogue import load_catalogue
from query_engine.columns import Codes, Column, GovernedTable
from query_engine.planning.region import Region, columns_of, intersect, region_of

Flags = npt.NDArray[np.bool_]
CHILD_YEAR = load_catalogue().table("child_year")
SEVERAL = [each for each in load_catalogue().tables.values() if each.rows_per_child_year > 1]
LEFT_OUT = {"academic_year", "home_authority", "home_region", "host_authority"}
"""What is asked of one at a time, or of 153 values; the authorities of a region are no child's matter."""


NOT_BY_CHANCE = 20
"""So many would meet the first of two conditions and not the second, had they nothing to do with each other."""


@dataclass(frozen=True)
class Condition:
    """A condition: on which column, or on a row with which, and in words what."""

    table: str
    column: str
    said: str
    codes: Codes

    @property
    def place(self) -> str:
        """The column, with the table of the row before it."""
        return self.column if self.table == "child_year" else f"{self.table}.{self.column or 'row'}"

    @property
    def region(self) -> Region:
        """The values."""
        if not self.column:
            return True
        table = load_catalogue().table(self.table)
        return region_of(replace(table.columns[self.column], name=table.word(self.column)), self.codes)

    def known(self, facts: Facts) -> tuple[Region, frozenset[Need]]:
        """What is known of whoever meets it: of the child, and of which rows it has."""
        met = facts.add_to(self.region)
        if self.table == "child_year":
            return facts.add(met, frozenset())
        return facts.add(True, frozenset({(self.table, met)}))


def follows(narrow: Condition, wide: Condition) -> bool:
    """Whether the catalogue says that whoever meets the one meets the other."""
    told = read_facts(CHILD_YEAR.implied, CHILD_YEAR.had_by)
    named = columns_of(narrow.region) | columns_of(wide.region)
    tables = frozenset({narrow.table, wide.table})
    facts = told.narrow(named, tables)
    child, rows = narrow.known(facts)
    wanted, needs = wide.known(facts)
    is_so = intersect(child, wanted) == child
    return is_so and all(
        any(table == name and intersect(own, row) == own for name, own in rows) for table, row in needs
    )


def conditions_on(table: GovernedTable) -> Iterator[Condition]:
    """All conditions on one table."""
    several = table.rows_per_child_year > 1
    if several:
        yield Condition(table.name, "", "any", ())
    for name, column in table.columns.items():
        if column.role != "key" and name not in LEFT_OUT and not (several and name in table.child_columns):
            yield from (Condition(table.name, name, said, codes) for said, codes in _values(column))


def _values(column: Column) -> Iterator[tuple[str, Codes]]:
    last = column.present_codes - 1
    if column.nullable:
        yield "missing", ((last + 1, last + 1),)
        yield "any", ((0, last),)
    if column.domain is not None:
        yield from ((str(value), ((code, code),)) for code, value in enumerate(column.domain))
    else:
        for edge in map(column.code, column.bins[1:2]):
            assert edge is not None
            yield f">= {column.value(edge)}", ((edge, last),)
            yield f"< {column.value(edge)}", ((0, edge - 1),)


def meet_all(snapshots: Sequence[Mapping[str, Path]], year: int) -> tuple[list[Condition], Flags]:
    """Every condition, and of each child of the year's record in these snapshots whether it is met."""
    every = [each for table in (CHILD_YEAR, *SEVERAL) for each in conditions_on(table)]
    return every, np.hstack([_meet(every, tables, year) for tables in snapshots])


def _meet(every: Sequence[Condition], tables: Mapping[str, Path], year: int) -> Flags:
    read = {name: _read(tables[name], year) for name in {each.table for each in every}}
    children = {child: place for place, child in enumerate(read["child_year"]["child"])}
    found = np.zeros((len(every), len(children)), bool)
    for number, each in enumerate(every):
        rows = read[each.table]
        met = _is_met(each, rows)
        found[number, [children[child] for child in rows["child"][met]]] = True
    return found


def _read(table: Path, year: int) -> Mapping[str, Any]:
    found = duckdb.sql(f"SELECT * FROM '{table}' WHERE academic_year = {year}")
    assert found is not None
    return found.fetchnumpy()


def _is_met(condition: Condition, rows: Mapping[str, Any]) -> Flags:
    if not condition.column:
        return np.ones(len(rows["child"]), bool)
    column = load_catalogue().table(condition.table).columns[condition.column]
    values = np.ma.masked_invalid(rows[condition.column]) if column.domain is None else rows[condition.column]
    missing, present = np.ma.getmaskarray(values), np.ma.getdata(values)
    if present.dtype == object:
        missing = missing | np.array([value is None for value in present], bool)
    ((first, last),) = condition.codes
    if first == column.present_codes:
        return missing
    if column.domain is not None:
        return ~missing & np.isin(present.astype(object), list(column.domain[first : last + 1]))
    low, high = (float(column.value(code) or 0) for code in (first, last))
    numbers = np.where(missing, 0, present).astype(float)
    return ~missing & (numbers >= low - 1e-9) & (numbers <= high + 1e-9)


def find_nested(every: Sequence[Condition], met: Flags) -> Iterator[tuple[Condition, Condition]]:
    """The pairs of which whoever meets the first meets the second, of conditions on different columns.

    Those of which it could be so by chance are left out, and what all meet.
    """
    figures = met.astype(np.float32)
    both, children = figures @ figures.T, met.shape[1]
    counts = both.diagonal()
    for narrow in map(int, np.flatnonzero(counts)):
        outside = counts[narrow] * (1 - counts / children)
        for wide in map(int, np.flatnonzero((both[narrow] == counts[narrow]) & (outside >= NOT_BY_CHANCE))):
            if every[narrow].place != every[wide].place:
                yield every[narrow], every[wide]


def chain_up(known: Flags) -> Flags:
    """Which conditions follow from which, by one or several steps that are known."""
    reached = known | np.eye(len(known), dtype=bool)
    while True:
        figures = reached.astype(np.float32)
        further = (figures @ figures) > 0
        if (further == reached).all():
            return further
        reached = further
