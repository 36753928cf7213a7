"""SQL text to an `AggregateQuery`, by an allow-list: whatever is not known to be safe is refused.

The language is a part of DuckDB's SQL: one SELECT of grouped columns and aggregates over one governed table, with
WHERE, GROUP BY, HAVING, ORDER BY and LIMIT. The text is never run.
"""

from sqlglot import exp
from sqlglot import parse as parse_sql
from sqlglot.errors import ParseError

from query_engine.catalogue import Catalogue, GovernedTable
from query_engine.grouping_sets import check_grouping, check_model_alone, read_group_by
from query_engine.items import read_item
from query_engine.model import AggregateQuery, Grouped, Selected
from query_engine.predicate import Predicate
from query_engine.predicates import read_predicate
from query_engine.refusal import QueryRefused, RefusalCode
from query_engine.scope import Scope, check_arguments, refused_form, suggestion
from query_engine.text import QueryText, read_text
from query_engine.viewing import read_view

COLUMN_LIMIT = 50
"""The most columns a SELECT list may have."""

TERM_LIMIT = 100
"""The most ANDs and ORs a query may have."""

_SELECT_PARTS = {"expressions", "from_", "where", "group", "having", "order", "limit", "offset"}

_CLAUSES: dict[str, tuple[RefusalCode, str, str]] = {
    "with_": (RefusalCode.COMMON_TABLE, "WITH", "WITH is not part of the language: put the conditions in WHERE."),
    "distinct": (RefusalCode.DISTINCT, "DISTINCT", "DISTINCT stands in COUNT(DISTINCT key) alone: use GROUP BY."),
    "qualify": (RefusalCode.CLAUSE, "QUALIFY", "There are no window functions to choose by: leave QUALIFY out."),
    "windows": (RefusalCode.CLAUSE, "WINDOW", "Window functions are not part of the language."),
    "sample": (RefusalCode.CLAUSE, "USING", "Every row is read: leave the sample out."),
    "joins": (RefusalCode.JOIN, "JOIN", "A query reads one governed table: leave the others out."),
    "laterals": (RefusalCode.JOIN, "LATERAL", "A query reads one governed table: leave the others out."),
    "into": (RefusalCode.CLAUSE, "INTO", "A query can do nothing but read: leave INTO out."),
    "locks": (RefusalCode.CLAUSE, "FOR", "A query can do nothing but read: leave FOR UPDATE out."),
}


def parse_query(sql: str, catalogue: Catalogue) -> AggregateQuery:
    """The query that a text asks. Raises `QueryRefused`, with the place, for anything outside the language."""
    text = read_text(sql)
    try:
        return _query(text, _statement(text), catalogue)
    except RecursionError:
        raise QueryRefused(RefusalCode.TOO_DEEP, "The text is nested too deeply to be read.", (1, 1)) from None


def _statement(text: QueryText) -> exp.Select:
    try:
        statements = parse_sql(text.sql, dialect="duckdb")
    except ParseError as error:
        raise QueryRefused(
            RefusalCode.SYNTAX, "The text cannot be read as SQL from here on.", _place_of(error)
        ) from None
    statement = statements[0]
    if isinstance(statement, exp.SetOperation):
        raise text.refuse(RefusalCode.SET_OPERATION, "A query is one SELECT: ask for the others apart.", statement)
    if not isinstance(statement, exp.Select):
        raise QueryRefused(RefusalCode.NOT_A_SELECT, "A query is one SELECT statement.", (1, 1))
    return statement


def _place_of(error: ParseError) -> tuple[int, int]:
    """Where the parser stopped: it names the last character of the word."""
    details = error.errors[0] if error.errors else {}
    line, column, word = details.get("line") or 1, details.get("col") or 1, details.get("highlight") or ""
    return line, max(1, column - len(word) + 1)


def _query(text: QueryText, select: exp.Select, catalogue: Catalogue) -> AggregateQuery:
    _check_clauses(text, select)
    scope = _scope(text, select, catalogue)
    _check_size(scope, select)
    where = select.args.get("where")
    predicate: Predicate | None = read_predicate(where.this, scope) if where else None
    selected = [read_item(node, scope) for node in select.expressions]
    _check_labels(scope, select, selected)
    grouped, sets = read_group_by(select, selected, scope)
    check_grouping(select, selected, grouped, scope)
    check_model_alone(select, selected, grouped, scope)
    view = read_view(select, selected, scope)
    return AggregateQuery(scope.table.name, tuple(selected), tuple(grouped), predicate, sets, view)


def _check_clauses(text: QueryText, select: exp.Select) -> None:
    for name, value in select.args.items():
        if not value or name in _SELECT_PARTS:
            continue
        code, word, reason = _CLAUSES.get(
            name, (RefusalCode.CLAUSE, "", "This SELECT has a clause that is not part of the language.")
        )
        part = value[0] if isinstance(value, list) else value
        at = text.keyword(word) or text.at(part if isinstance(part, exp.Expr) else select)
        raise QueryRefused(code, reason, at)


def _check_size(scope: Scope, select: exp.Select) -> None:
    if len(select.expressions) > COLUMN_LIMIT:
        reason = f"A query may ask for {COLUMN_LIMIT} columns; this one asks for {len(select.expressions)}."
        raise scope.refuse(RefusalCode.TOO_MANY_COLUMNS, reason, select.expressions[COLUMN_LIMIT])
    terms = list(select.find_all(exp.Connector))
    if len(terms) > TERM_LIMIT:
        reason = f"A query may have {TERM_LIMIT} ANDs and ORs; this one has {len(terms)}. IN lists count as one."
        raise scope.refuse(RefusalCode.TOO_MANY_TERMS, reason, terms[0])


def _scope(text: QueryText, select: exp.Select, catalogue: Catalogue) -> Scope:
    source = select.args.get("from_")
    if source is None:
        reason = f"The query names no table. Add FROM and one of {', '.join(catalogue.tables)}."
        raise text.refuse(RefusalCode.UNKNOWN_TABLE, reason, select)
    check_arguments(text, source, {"this"})
    node = source.this
    if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
        raise refused_form(text, node.this if isinstance(node, exp.Table) else node)
    _check_table_parts(text, node)
    table = _governed(text, node, catalogue)
    return Scope(text, table, frozenset({table.name, node.alias_or_name.lower()}))


def _check_table_parts(text: QueryText, node: exp.Table) -> None:
    if node.args.get("db") or node.args.get("catalog"):
        raise text.refuse(RefusalCode.UNKNOWN_TABLE, "A governed table has no schema or catalog before it.", node)
    if any(value for name, value in node.args.items() if name not in ("this", "alias")):
        raise text.refuse(RefusalCode.CLAUSE, "Nothing but AS and another name may follow the table.", node)
    if node.args.get("alias"):
        check_arguments(text, node.args["alias"], {"this"})


def _governed(text: QueryText, node: exp.Table, catalogue: Catalogue) -> GovernedTable:
    found = catalogue.tables.get(node.name.lower())
    if found is None:
        reason = f"There is no governed table of that name. {suggestion(node.name, catalogue.tables)}"
        raise text.refuse(RefusalCode.UNKNOWN_TABLE, reason, node)
    return found


def _check_labels(scope: Scope, select: exp.Select, selected: list[Selected]) -> None:
    seen: set[str] = set()
    for node, each in zip(select.expressions, selected, strict=True):
        label = each.label.lower()
        reserved = label == scope.table.authority_column and not isinstance(each.item, Grouped)
        if label in seen or reserved:
            reason = "Two columns of the answer would have this name: give one another with AS."
            raise scope.refuse(RefusalCode.LABEL_REPEATED, reason, node)
        seen.add(label)
