"""What the names in one query can mean: the governed table it reads, and refusals for names that mean nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from sqlglot import exp

from query_engine.catalogue import Column, GovernedTable
from query_engine.refusal import QueryRefused, RefusalCode
from query_engine.text import QueryText


@dataclass(frozen=True, slots=True)
class Scope:
    """The table of a query, the names it goes by there, and the text it was written in."""

    text: QueryText
    table: GovernedTable
    table_names: frozenset[str]

    def column(self, node: exp.Column) -> Column:
        """The catalogue's column. Raises `QueryRefused` for a name that the table does not have."""
        if isinstance(node.this, exp.Star):
            raise refused_form(self.text, node.this)
        check_arguments(self.text, node, {"this", "table"})
        if node.table and node.table.lower() not in self.table_names:
            raise self.refuse(RefusalCode.UNKNOWN_TABLE, f"The query reads {self.table.name} alone.", node)
        found = self.table.columns.get(node.name.lower())
        if found is None:
            advice = suggestion(node.name, self.table.columns)
            reason = f"{self.table.name} has no column of that name. {advice}"
            raise self.refuse(RefusalCode.UNKNOWN_COLUMN, reason, node)
        return found

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
            code, reason = RefusalCode.SUBQUERY, "A query inside a query is not part of the language."
        case exp.Star():
            code, reason = RefusalCode.STAR, "* stands in COUNT(*) alone: name the columns you need."
        case exp.Distinct():
            code, reason = RefusalCode.DISTINCT, "DISTINCT stands in COUNT(DISTINCT key) alone."
        case exp.Window() | exp.Order() | exp.WithinGroup():
            code, reason = RefusalCode.CLAUSE, "An aggregate has no window and no order of its own."
        case exp.Connector() | exp.Case() | exp.Cast() | exp.If():
            pass
        case exp.Func():
            code, reason = (
                RefusalCode.FUNCTION,
                "The functions are aggregates, such as COUNT, SUM, AVG, MEDIAN and CORR, in the SELECT list.",
            )
    return text.refuse(code, reason, node)
