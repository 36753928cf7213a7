"""Reads how a table is joined: the child key always, and the academic year where both have it, by USING or ON."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from sqlglot import exp

from query_engine.language.from_tables import Entry
from query_engine.language.scope import check_arguments
from query_engine.language.text import QueryText
from query_engine.planning.relation import YEAR
from query_engine.refusal import QueryRefused, RefusalCode

_REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "NATURAL": "NATURAL JOIN leaves unsaid what is compared: write USING and the columns.",
        "CROSS": "Every row belongs to a child: join on the child key, by USING or ON.",
        "FULL": "FULL JOIN is not part of the language: begin with the table whose rows all count, and LEFT JOIN.",
        "RIGHT": "RIGHT JOIN is not part of the language: begin with the table whose rows all count, and LEFT JOIN.",
    }
)


def check_kind(text: QueryText, join: exp.Join) -> None:
    """Check that it is a plain JOIN or a LEFT JOIN with a condition. Raises `QueryRefused`."""
    words = [str(join.args.get(name) or "").upper() for name in ("method", "side", "kind")]
    if words not in (["", "", ""], ["", "", "INNER"], ["", "LEFT", ""], ["", "LEFT", "OUTER"]):
        reason = next((_REFUSED[word] for word in words if word in _REFUSED), "Tables are put together by JOIN alone.")
        raise text.refuse(RefusalCode.JOIN, reason, join)
    if not join.args.get("on") and not join.args.get("using"):
        raise text.refuse(RefusalCode.JOIN, "Say how this table is joined: JOIN, and USING or ON the child key.", join)
    check_arguments(text, join, {"this", "side", "kind", "on", "using"})


def read_year(text: QueryText, join: exp.Join, new: Entry, earlier: Sequence[Entry]) -> int | None:
    """The place of the first table whose academic year the new one's is equal to, if any. Raises `QueryRefused`."""
    reader = _Reader(text, new, earlier)
    keys, year = reader.using(join) if join.args.get("using") else reader.on(join)
    if new.governed.child_key not in keys:
        reason = f"A child's rows go with the same child's: join on {new.governed.child_key}."
        raise text.refuse(RefusalCode.JOIN, reason, join.args.get("on") or join)
    return year


class _Reader:
    def __init__(self, text: QueryText, new: Entry, earlier: Sequence[Entry]) -> None:
        self._text = text
        self._new = new
        self._earlier = earlier
        self._key = new.governed.child_key

    def using(self, join: exp.Join) -> tuple[set[str], int | None]:
        """The columns of USING, and the place of the table with the same year."""
        names = [each.name.lower() for each in join.args["using"]]
        for name, node in zip(names, join.args["using"], strict=True):
            self._check_name(name, node)
        if YEAR not in names:
            return set(names), None
        years = {each.year for each in self._earlier if not each.outer and each.year is not None}
        if not self._new.has_year or len(years) != 1:
            reason = f"There is no one {YEAR} on both sides: write ON, and which table's is meant."
            raise self._text.refuse(RefusalCode.JOIN, reason, join.args["using"][names.index(YEAR)])
        return set(names), years.pop()

    def on(self, join: exp.Join) -> tuple[set[str], int | None]:
        """The columns that ON compares, and the place of the table with the same year."""
        keys: set[str] = set()
        years: set[int] = set()
        condition = join.args["on"]
        for each in condition.flatten() if isinstance(condition, exp.And) else [condition]:
            name, other = self._equal(each.unnest())
            keys.add(name)
            if name == YEAR:
                years.add(self._year(other, each))
        if len(years) > 1:
            reason = f"These tables are of different years of their own: join on one {YEAR}."
            raise self._text.refuse(RefusalCode.JOIN, reason, condition)
        return keys, years.pop() if years else None

    def _equal(self, node: exp.Expr) -> tuple[str, Entry]:
        """The column that is equal in the new table and in an earlier one, and which one that is."""
        if not isinstance(node, exp.EQ) or not isinstance(node.this, exp.Column):
            reason = f"ON has a.{self._key} = b.{self._key}, AND the same of {YEAR} where that is meant, and no more."
            raise self._text.refuse(RefusalCode.JOIN, reason, node)
        if not isinstance(node.expression, exp.Column):
            reason = "ON compares columns of two tables: put conditions on one of them in WHERE."
            raise self._text.refuse(RefusalCode.JOIN, reason, node)
        sides = [self._side(node.this), self._side(node.expression)]
        if self._new not in sides or sides[0] is sides[1] or node.this.name.lower() != node.expression.name.lower():
            reason = "ON sets a column of the table that is joined beside the same column of one before it."
            raise self._text.refuse(RefusalCode.JOIN, reason, node)
        other = sides[0] if sides[1] is self._new else sides[1]
        if other.outer:
            reason = "A table that is there by LEFT JOIN may have no row: join to the one that it is joined to."
            raise self._text.refuse(RefusalCode.JOIN, reason, node)
        return node.this.name.lower(), other

    def _side(self, node: exp.Column) -> Entry:
        check_arguments(self._text, node, {"this", "table"})
        self._check_name(node.name.lower(), node)
        found = next((each for each in (*self._earlier, self._new) if node.table.lower() in each.names), None)
        if found is None:
            code = RefusalCode.UNKNOWN_TABLE if node.table else RefusalCode.AMBIGUOUS_COLUMN
            raise self._text.refuse(code, "Write before this column which table of FROM is meant.", node)
        return found

    def _year(self, other: Entry, node: exp.Expr) -> int:
        if other.year is None or not self._new.has_year:
            reason = f"One of these tables has a row for each child and no {YEAR}: GROUP BY it there too."
            raise self._text.refuse(RefusalCode.JOIN, reason, node)
        return other.year

    def _check_name(self, name: str, node: exp.Expr) -> None:
        if name not in (self._key, YEAR):
            reason = f"Tables are joined on {self._key}, and on {YEAR} where both have it, and on nothing else."
            raise self._text.refuse(RefusalCode.JOIN, reason, node)


def check_joinable(text: QueryText, new: Entry, earlier: Sequence[Entry], node: exp.Expr) -> None:
    """Check that the rows of two tables are of the same children, at the same node. Raises `QueryRefused`."""
    mine, theirs = new.governed, earlier[0].governed
    if (mine.child_key, mine.authority_column) != (theirs.child_key, theirs.authority_column):
        raise _unlike(text, new, earlier[0], node)
    if any(new.names & each.names or new.table == each.table for each in earlier):
        reason = "A table stands in FROM once, under a name of its own; what is worked out from it may stand beside it."
        raise text.refuse(RefusalCode.JOIN, reason, node)


def _unlike(text: QueryText, new: Entry, first: Entry, node: exp.Expr) -> QueryRefused:
    mine, theirs = new.governed, first.governed
    reason = (
        f"{mine.name} has rows of a {mine.child_key}, kept by the {mine.authority_column}, and {theirs.name} of a "
        f"{theirs.child_key}, kept by the {theirs.authority_column}: their tokens differ and cannot be matched."
    )
    return text.refuse(RefusalCode.JOIN, reason, node)
