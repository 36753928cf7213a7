"""What the catalogue says that columns tell of each other, in one table or across those about the same children.

Each is declared beside the table it is about: what is `implied`, which columns are `missing_together`, which are the
`regions` of authorities, which number follows another in `steps`, and of rows of which a child can have several by
what of the child they are `had_by`.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any, cast

from query_engine.columns import Category, Codes, Column, GovernedTable, HadBy, Implied, Met
from query_engine.geography import REGIONS, load_authorities

__all__ = ["LINK_KEYS", "CatalogueInvalid", "check_keys", "link_tables"]

LINK_KEYS = frozenset({"implied", "missing_together", "regions", "steps", "had_by"})
"""What a table may say of how its columns are linked."""

_Tables = Mapping[str, GovernedTable]
_TOLD_BY: Mapping[str, tuple[bool, bool]] = {"both": (True, True), "rows": (True, False), "children": (False, True)}


class CatalogueInvalid(Exception):
    """The catalogue file is not as it should be. The text says where and what to do."""


def check_keys(where: str, body: Mapping[str, Any], required: Set[str], optional: Set[str] = frozenset()) -> None:
    """Check that a part of the file has the keys that it must have, and none that are unknown.

    Raises `CatalogueInvalid`.
    """
    missing, unknown = required - body.keys(), body.keys() - required - optional
    if missing:
        raise CatalogueInvalid(f"{where} lacks {', '.join(sorted(missing))}")
    if unknown:
        raise CatalogueInvalid(f"{where} has unknown keys: {', '.join(sorted(unknown))}")


def link_tables(tables: _Tables, entries: Mapping[str, Mapping[str, Any]]) -> dict[str, GovernedTable]:
    """The tables with what any of the same key, and the one that has the same children, says of their columns.

    Raises `CatalogueInvalid`.
    """
    implied = {name: tuple(_find_implied(each, entries[name])) for name, each in tables.items()}
    had = {name: tuple(_find_had(each, tables, entries[name])) for name, each in tables.items()}

    def of_key(key: str) -> tuple[tuple[Implied, ...], tuple[HadBy, ...]]:
        names = [name for name, each in tables.items() if each.child_key == key]
        return tuple(each for name in names for each in implied[name]), tuple(
            each for name in names for each in had[name]
        )

    def link(table: GovernedTable) -> GovernedTable:
        (own, had_by), shared = of_key(table.child_key), table.same_children
        if shared is None:
            return replace(table, implied=own, had_by=had_by)
        others, had_by_them = of_key(shared.child_key)
        alike = tuple(each for each in others if each.names <= shared.alike)
        shared = replace(shared, implied=others, had_by=had_by_them)
        return replace(table, implied=(*own, *alike), had_by=had_by, same_children=shared)

    return {name: link(each) for name, each in tables.items()}


def _find_implied(table: GovernedTable, entry: Mapping[str, Any]) -> Iterator[Implied]:
    for stated in entry.get("implied", ()):
        where = f"table {table.name}, implied"
        check_keys(where, stated, {"when", "then"}, {"conversely"})
        when, then = (_met(where, table, stated[each]) for each in ("when", "then"))
        yield Implied(when, then)
        if stated.get("conversely", False):
            yield Implied(then, when)
    for names in entry.get("missing_together", ()):
        yield from _find_missing(table, names)
    for region, authority in entry.get("regions", {}).items():
        yield from _find_regions(table, region, authority)
    for stated in entry.get("steps", ()):
        yield from _find_steps(table, stated)


def _find_missing(table: GovernedTable, names: Sequence[str]) -> Iterator[Implied]:
    """Whoever lacks one of these columns lacks the others too."""
    for name in names:
        others: dict[str, list[object]] = {each: [] for each in names if each != name}
        where = f"table {table.name}, missing_together"
        yield Implied(_met(where, table, {name: []}), _met(where, table, others))


def _find_regions(table: GovernedTable, region: str, authority: str) -> Iterator[Implied]:
    """Each region is made up of its authorities, by the file that has them."""
    where = f"table {table.name}, regions"
    for name in REGIONS:
        codes = [each.code for each in load_authorities().values() if each.region == name]
        both = _met(where, table, {region: [name]}), _met(where, table, {authority: codes})
        yield from (Implied(*both), Implied(*reversed(both)))
    yield from _find_missing(table, [region, authority])


def _find_steps(table: GovernedTable, stated: Mapping[str, Any]) -> Iterator[Implied]:
    """By how much a whole number can differ from another: one way and back. What is out of its range is missing."""
    where = f"table {table.name}, steps"
    check_keys(where, stated, {"of", "is", "by"}, {"when", "or_missing"})
    low, high, met = stated["by"]["from"], stated["by"]["to"], stated.get("when", {})
    can_miss = stated.get("or_missing", False)
    if not {stated["of"], stated["is"]} <= table.columns.keys():
        raise CatalogueInvalid(f"{where}: {stated['of']} and {stated['is']} are no columns of table {table.name}")
    there, back = (stated["of"], stated["is"], low, high), (stated["is"], stated["of"], -high, -low)
    for one, other, least, most in (there, back):
        reached = table.columns[other].domain or ()
        for value in table.columns[one].domain or ():
            beside = [number for number in range(int(value) + least, int(value) + most + 1) if number in reached]
            is_short = len(beside) <= most - least
            may_lack = is_short or (can_miss and one == stated["of"])
            then = {"missing_or": beside} if beside and may_lack else beside
            yield Implied(_met(where, table, {**met, one: [value]}), _met(where, table, {other: then}))


def _find_had(table: GovernedTable, tables: _Tables, entry: Mapping[str, Any]) -> Iterator[HadBy]:
    where = f"table {table.name}, had_by"
    record = next(
        (each for each in tables.values() if each.child_key == table.child_key and each.rows_per_child_year == 1), None
    )
    for stated in entry.get("had_by", ()):
        check_keys(where, stated, {"rows", "children"}, {"alike", "told_by"})
        told_by = stated.get("told_by", "both")
        if record is None or table.rows_per_child_year == 1 or told_by not in _TOLD_BY:
            raise CatalogueInvalid(f"{where}: say it of a table of several rows for a child, told_by rows or children")
        alike = tuple(_alike(where, table, record, *names) for names in stated.get("alike", {}).items())
        rows, children = _met(where, table, stated["rows"]), _met(where, record, stated["children"])
        yield HadBy(table.name, rows, children, alike, *_TOLD_BY[told_by])


def _alike(where: str, table: GovernedTable, record: GovernedTable, row: str, child: str) -> tuple[Column, Column]:
    """A column of the rows, and one of the child with the same values."""
    own, others = table.columns.get(row), record.columns.get(child)
    if own is None or others is None or row in table.child_columns:
        raise CatalogueInvalid(f"{where}: {row} and {child} are no columns of a row and of a child")
    if (own.domain, own.bounds, own.codes) != (others.domain, others.bounds, others.codes):
        raise CatalogueInvalid(f"{where}: {row} and {child} have not the same values")
    return replace(own, name=table.word(row)), others


def _met(where: str, table: GovernedTable, stated: Mapping[str, object]) -> Met:
    return tuple(_codes(where, table, name, values) for name, values in stated.items())


def _codes(where: str, table: GovernedTable, name: str, stated: object) -> tuple[Column, Codes]:
    """Some values of a column: a list, a range of amounts, "any" value, or an empty list for a missing one."""
    column = table.columns.get(name)
    if column is None:
        raise CatalogueInvalid(f"{where}: {name} is no column of table {table.name}")
    codes: list[tuple[int | None, int | None]]
    match stated:
        case "any":
            codes = [(0, column.present_codes - 1)]
        case [] if column.nullable:
            codes = [(column.present_codes, column.present_codes)]
        case list():
            codes = [(code, code) for code in map(column.code, cast("list[Category]", stated))]
        case {"from": first, "to": last, **rest} if not rest:
            codes = [(column.code(first), column.code(last))]
        case {"missing_or": others, **rest} if not rest:
            return replace(column, name=table.word(name)), (
                *_codes(where, table, name, others)[1],
                *_codes(where, table, name, [])[1],
            )
        case _:
            codes = []
    found = tuple((first, last) for first, last in codes if first is not None and last is not None)
    if not codes or len(found) < len(codes):
        raise CatalogueInvalid(f"{where}: {name} has no such values")
    return replace(column, name=table.word(name)), found
