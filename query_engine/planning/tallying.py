"""What is worked out for each child before anything is asked: counts, sums, least and greatest, with their bounds.

Each is a measure of the relation like any of the catalogue. Its bounds follow from the catalogue's: a child has at most
`rows_per_child_year` rows in each year that the table's own WHERE lets through, and what more rows would add is cut
off by whoever renders it, so that no child weighs more than the plan says.
"""

from decimal import Decimal

from query_engine.catalogue import Catalogue, Column, GovernedTable
from query_engine.planning.canonical import JSON, canonical_region, digest_of
from query_engine.planning.conditions import region_from
from query_engine.planning.region import Region, constrain, intersect, possible_ranges, present_in
from query_engine.planning.relation import YEAR, Part, PerChildRows, TallyColumn
from query_engine.query.model import PerChild, Tally
from query_engine.refusal import QueryRefused, RefusalCode

Ends = tuple[int, int]

_STEPS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 100_000)
"""Where the bins of a count begin, and those of a sum beyond the bins of what is added up."""


def plan_part(table: str | PerChild, catalogue: Catalogue) -> Part:
    """A table of FROM. Raises `QueryRefused` and `RegionTangled`."""
    if isinstance(table, str):
        return Part(table, catalogue.table(table), None)
    read = catalogue.table(table.table)
    where = region_from(table.where, read)
    if where is False:
        raise _empty("no row can meet the conditions of its WHERE all at once")
    form: list[JSON] = [read.name, table.by_year, canonical_region(where, read)]
    tallies = tuple(_Tallying(read, where, table.by_year, form).plan(each) for each in table.tallies)
    return Part(f"{read.name}-{digest_of(form)}", read, PerChildRows(table.by_year, where, tallies))


class _Tallying:
    """Plans the columns of one table with a row for each child, of which `form` says which it is."""

    def __init__(self, table: GovernedTable, where: Region, by_year: bool, form: JSON) -> None:
        self._table = table
        self._where = where
        self._form = form
        self._rows = table.rows_per_child_year * (1 if by_year else self._years())

    def plan(self, tally: Tally) -> TallyColumn:
        """The column that a tally makes, with its public bounds. Raises `QueryRefused`."""
        of = self._table.columns[tally.column] if tally.column is not None else None
        present = present_in(of) if of is not None else True
        kept = intersect(self._where, present)
        inside = region_from(tally.where, self._table)
        if kept is False or intersect(kept, inside) is False:
            raise _empty("no row can meet the condition of a column of it")
        added = constrain(inside, kept)
        always = added is True and (of is None or constrain(present, self._where) is True)
        digest = digest_of([self._form, tally.function, tally.column, canonical_region(added, self._table)])
        name = f"{self._table.name}.{tally.function}-{digest}"
        column = self._count(name, always) if of is None else self._figure(name, tally, of, nullable=not always)
        return TallyColumn(tally.function, tally.column, added, column)

    def _years(self) -> int:
        column = self._table.columns.get(YEAR)
        ranges = possible_ranges(self._where, column) if column is not None else [(0, 0)]
        return sum(last - first + 1 for first, last in ranges)

    def _count(self, name: str, every_row: bool) -> Column:
        """A count of rows: 1 at least where every row counts, since a child without one is not in the table."""
        key = self._table.columns[self._table.child_key]
        ends = (int(every_row), self._rows)
        return _measure(name, key, ends, 0, None, sorted({ends[0], *_STEPS}), nullable=False)

    def _figure(self, name: str, tally: Tally, of: Column, *, nullable: bool) -> Column:
        low, high = of.scaled_bounds
        starts = [int(edge.scaleb(of.scale)) for edge in of.bins] or [
            int(each) for each in of.domain or () if not isinstance(each, str)
        ]
        if tally.function == "sum":
            low, high = min(low, low * self._rows), max(high, high * self._rows)
            starts += [each * 10**of.scale for each in _STEPS if each * 10**of.scale > starts[-1]]
        return _measure(name, of, (low, high), of.scale, of.unit, [low, *starts], nullable=nullable)


def _measure(
    name: str, like: Column, ends: Ends, scale: int, unit: str | None, starts: list[int], *, nullable: bool
) -> Column:
    low, high = ends
    return Column(
        name=name,
        role="measure",
        type="decimal" if scale else "integer",
        domain=None,
        bounds=(Decimal(low).scaleb(-scale), Decimal(high).scaleb(-scale)),
        scale=scale,
        unit=unit,
        definition=like.definition,
        source=like.source,
        factor=like.factor,
        sensitivity=like.sensitivity,
        nullable=nullable,
        nature=like.nature,
        audience=like.audience,
        first_year=like.first_year,
        last_year=like.last_year,
        former=(),
        bins=tuple(Decimal(each).scaleb(-scale) for each in sorted(set(starts)) if low <= each <= high),
    )


def _empty(reason: str) -> QueryRefused:
    return QueryRefused(RefusalCode.CONSTANT_CONDITION, f"A table with a row for each child says nothing: {reason}.")
