"""What the names in one query can mean: the governed table it reads, and refusals for names that mean nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from sqlglot import exp

from query_engine.catalogue import Column, GovernedTable
from query_engine.language.text import QueryText
from query_engine.planning.relation import FILLED
from query_engine.refusal import QueryRefused, RefusalCode


@dataclass(frozen=True, slots=True)
class Named:
    """One table of FROM: the names it goes by there, and its columns, each with the name it has in the whole.

    `hidden` are columns that mean this table's own only with the table's name before them. `outer` says that a LEFT
    JOIN brought it.
    """

    names: frozenset[str]
    columns: Mapping[str, str]
    hidden: frozenset[str] = frozenset()
    outer: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """The table that a query reads, what it was made of, and the text the query was written in."""

    text: QueryText
    table: GovernedTable
    sources: tuple[Named, ...]

    def column(self, node: exp.Column) -> Column:
        """The column that is meant. Raises `QueryRefused` for a name that no table, or more than one, has."""
        if isinstance(node.this, exp.Star):
            raise refused_form(self.text, node.this)
        check_arguments(self.text, node, {"this", "table"})
        known = self._qualified(node) if node.table else self._unqualified(node)
        if not known:
            reason = f"{self.table.name} has no column of that name. {suggestion(node.name, self._catalogued())}"
            raise self.refuse(RefusalCode.UNKNOWN_COLUMN, reason, node)
        if len(known) > 1:
            reason = "Several of the tables have this column: write before it which one is meant, as in table.column."
            raise self.refuse(RefusalCode.AMBIGUOUS_COLUMN, reason, node)
        column = known.popitem()[1]
        return self._filled(column, node) if node.meta.get(FILLED) else column

    def knows(self, name: str) -> bool:
        """Whether any of the tables has a column of that name."""
        return any(name in each.columns for each in self.sources)

    def _catalogued(self) -> list[str]:
        """The names that may be repeated to the asker: the catalogue's, and none that the asker has given."""
        called = (pair for each in self.sources for pair in each.columns.items())
        return sorted({name for name, key in called if key.rpartition(".")[2] == name})

    def _qualified(self, node: exp.Column) -> dict[str, Column]:
        source = next((each for each in self.sources if node.table.lower() in each.names), None)
        if source is None:
            reason = f"The query reads {self.table.name} alone."
            raise self.refuse(RefusalCode.UNKNOWN_TABLE, reason, node)
        if source.outer and node.name.lower() in (self.table.child_key, self.table.authority_column):
            reason = "A LEFT JOIN may have no row here: take this column from the table that it is joined to."
            raise self.refuse(RefusalCode.KEY_MISUSED, reason, node)
        return self._found(node, [source])

    def _unqualified(self, node: exp.Column) -> dict[str, Column]:
        name = node.name.lower()
        return self._found(node, [each for each in self.sources if name not in each.hidden])

    def _found(self, node: exp.Column, sources: Iterable[Named]) -> dict[str, Column]:
        keys = (each.columns.get(node.name.lower()) for each in sources)
        found = (self.table.columns[key] for key in keys if key is not None)
        return {each.name: each for each in found}

    def _filled(self, column: Column, node: exp.Column) -> Column:
        """The count with 0 for a child without rows; the count itself where it cannot be missing."""
        filled = self.table.columns.get(column.name + FILLED)
        if filled is None:
            reason = "COALESCE(n, 0) takes a count of rows for each child: a missing one means that there are none."
            raise self.refuse(RefusalCode.FUNCTION, reason, node)
        return filled if column.nullable else column

    def filterable(self, node: exp.Column) -> Column:
        """The column, if conditions may use it. Raises `QueryRefused`."""
        column = self.column(node)
        self.check_not_key(column, node)
        if column.name == self.table.authority_column:
            reason = f"A condition cannot choose by {column.name}: name the authorities in the roster instead."
            raise self.refuse(RefusalCode.AUTHORITY_COLUMN, reason, node)
        return column

    def check_not_key(self, column: Column, node: exp.Expr) -> None:
        """Check that the column is not the key. Raises `QueryRefused`."""
        if column.role == "key":
            reason = f"{column.name} may be counted, as COUNT(DISTINCT {column.name}), and used for nothing else."
            raise self.refuse(RefusalCode.KEY_MISUSED, reason, node)

    def refuse(self, code: RefusalCode, reason: str, node: exp.Expr) -> QueryRefused:
        """A refusal at the place of a node."""
        return self.text.refuse(code, reason, node)


def suggestion(name: str, known: Iterable[str]) -> str:
    """The nearest known name as a question, or where to read what names there are."""
    names = list(known)
    nearest = get_close_matches(name.lower()[:100], names, n=1, cutoff=0.5)
    if nearest:
        return f"Did you mean {nearest[0]}?"
    return "`circe catalogue` lists the names."


def check_arguments(text: QueryText, node: exp.Expr, allowed: set[str]) -> None:
    """Check that a node carries no more than its allowed parts. Raises `QueryRefused`."""
    for name, value in node.args.items():
        if value and name not in allowed:
            part = value[0] if isinstance(value, list) else value
            raise refused_form(text, part if isinstance(part, exp.Expr) else node)


def refused_form(text: QueryText, node: exp.Expr) -> QueryRefused:
    """The refusal of a node that has no place where it stands: the fall-through of every reader."""
    code, reason = RefusalCode.EXPRESSION, "This expression is not part of the language where it stands."
    match node:
        case exp.Query() | exp.Exists():
            code, reason = (
                RefusalCode.SUBQUERY,
                "A query inside a query stands in FROM or WITH, with a row for each child.",
            )
        case exp.Star():
            code, reason = RefusalCode.STAR, "* stands in COUNT(*) alone: name the columns you need."
        case exp.Distinct():
            code, reason = RefusalCode.DISTINCT, "DISTINCT stands in COUNT(DISTINCT key) alone."
        case exp.Window() | exp.Order() | exp.WithinGroup():
            code, reason = RefusalCode.CLAUSE, "An aggregate has no window and no order of its own."
        case exp.Connector() | exp.Case() | exp.Cast() | exp.If():
            pass
        case exp.Min() | exp.Max():
            code, reason = (
                RefusalCode.FUNCTION,
                "MIN and MAX are one child's own value, and no figures: MEDIAN and QUANTILE_DISC say how values lie.",
            )
        case exp.Func():
            code, reason = (
                RefusalCode.FUNCTION,
                "The functions are aggregates, such as COUNT, SUM, AVG, MEDIAN and CORR, in the SELECT list.",
            )
    return text.refuse(code, reason, node)
