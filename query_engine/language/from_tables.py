"""Reads one table of FROM: a governed table, or a table with a row for each child, in brackets or by its WITH name."""

from dataclasses import dataclass

from sqlglot import exp

from query_engine.catalogue import Catalogue, GovernedTable
from query_engine.language.per_child import read_per_child, read_table
from query_engine.language.scope import check_arguments, refused_form
from query_engine.language.text import QueryText
from query_engine.planning.relation import YEAR
from query_engine.query.model import PerChild
from query_engine.refusal import RefusalCode


@dataclass(frozen=True, slots=True)
class Entry:
    """One table of FROM: what it is, what its worked-out columns are called, and the names that it goes by.

    `year` is the place of the first table of FROM that has the same academic year, if it has one, and `outer` whether
    it is there by LEFT JOIN.
    """

    table: str | PerChild
    governed: GovernedTable
    labels: tuple[str, ...]
    names: frozenset[str]
    outer: bool = False
    year: int | None = None

    @property
    def has_year(self) -> bool:
        """Whether each of its rows is of one academic year."""
        return YEAR in self.governed.columns if isinstance(self.table, str) else self.table.by_year


class TableReader:
    """Reads the tables of one text, each WITH name once."""

    def __init__(self, text: QueryText, catalogue: Catalogue, common: exp.With | None) -> None:
        self._text = text
        self._catalogue = catalogue
        self._common: dict[str, exp.CTE] = {}
        self._read: set[str] = set()
        if common is not None:
            self._name_common(common)

    def read(self, node: exp.Expr) -> Entry:
        """The table. Raises `QueryRefused`."""
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Select):
            check_arguments(self._text, node, {"this", "alias"})
            return self._per_child(node.this, self._alias(node))
        if not isinstance(node, exp.Table):
            raise refused_form(self._text, node)
        common = self._common.get(node.name.lower()) if isinstance(node.this, exp.Identifier) else None
        if common is None or node.args.get("db"):
            self._check_unread(node)
            governed = read_table(self._text, node, self._catalogue)
            return Entry(governed.name, governed, (), frozenset({governed.name, node.alias_or_name.lower()}))
        check_arguments(self._text, node, {"this", "alias"})
        if node.args.get("alias"):
            check_arguments(self._text, node.args["alias"], {"this"})
        del self._common[node.name.lower()]
        self._read.add(node.name.lower())
        return self._per_child(common.this, frozenset({node.name.lower(), node.alias_or_name.lower()}))

    def check_all_read(self) -> None:
        """Check that every WITH name was read. Raises `QueryRefused`."""
        for unread in self._common.values():
            raise self._text.refuse(
                RefusalCode.COMMON_TABLE, "FROM does not read this: leave it out.", unread.args["alias"]
            )

    def _check_unread(self, node: exp.Table) -> None:
        if node.name.lower() in self._read:
            raise self._text.refuse(RefusalCode.COMMON_TABLE, "Each WITH name stands in FROM once.", node)

    def _name_common(self, common: exp.With) -> None:
        if common.args.get("recursive"):
            reason = "WITH RECURSIVE is not part of the language: WITH names tables with a row for each child."
            raise self._text.refuse(RefusalCode.COMMON_TABLE, reason, common)
        check_arguments(self._text, common, {"expressions"})
        for each in common.expressions:
            check_arguments(self._text, each, {"this", "alias"})
            check_arguments(self._text, each.args["alias"], {"this"})
            name = each.alias.lower()
            if name in self._common or name in self._catalogue.tables or not isinstance(each.this, exp.Select):
                reason = "WITH names tables with a row for each child, each by a name that no other table has."
                raise self._text.refuse(RefusalCode.COMMON_TABLE, reason, each.args["alias"])
            self._common[name] = each

    def _alias(self, node: exp.Subquery) -> frozenset[str]:
        alias = node.args.get("alias")
        if not alias or not node.alias:
            reason = "Give this table a name: write AS and a name after its closing bracket."
            raise self._text.refuse(RefusalCode.SUBQUERY, reason, node)
        check_arguments(self._text, alias, {"this"})
        return frozenset({node.alias.lower()})

    def _per_child(self, select: exp.Select, names: frozenset[str]) -> Entry:
        table, labels = read_per_child(self._text, select, self._catalogue)
        return Entry(table, self._catalogue.table(table.table), labels, names)
