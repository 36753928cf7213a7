"""SQL text to an `AggregateQuery`, by an allow-list: whatever is not known to be safe is refused.

The language is a part of DuckDB's SQL: one SELECT of grouped columns and aggregates, with WHERE, GROUP BY, HAVING,
ORDER BY and LIMIT, over governed tables that are joined on the child key, or over tables with a row for each child made
from them in FROM or WITH. The text is never run.
"""

from sqlglot import exp
from sqlglot import parse as parse_sql
from sqlglot.errors import ParseError

from query_engine.catalogue import Catalogue
from query_engine.language.clauses import check_clauses
from query_engine.language.from_clause import mark_filled, read_source
from query_engine.language.grouping_sets import check_grouping, check_model_alone, read_group_by
from query_engine.language.items import read_item
from query_engine.language.predicates import read_predicate
from query_engine.language.scope import Scope
from query_engine.language.text import QueryText, read_text
from query_engine.language.viewing import read_view
from query_engine.query.model import AggregateQuery, Grouped, Selected
from query_engine.query.predicate import Predicate
from query_engine.refusal import QueryRefused, RefusalCode

COLUMN_LIMIT = 50
"""The most columns a SELECT list may have."""

TERM_LIMIT = 100
"""The most ANDs and ORs a query may have."""

_SELECT_PARTS = {"with_", "expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset"}


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
            RefusalCode.SYNTAX, "The text cannot be read as SQL from here on.", _place_of(error, text.sql)
        ) from None
    except RecursionError:
        raise
    except Exception:
        raise QueryRefused(RefusalCode.SYNTAX, "The text cannot be read as SQL.", (1, 1)) from None
    statement = statements[0]
    if isinstance(statement, exp.SetOperation):
        raise text.refuse(RefusalCode.SET_OPERATION, "A query is one SELECT: ask for the others apart.", statement)
    if not isinstance(statement, exp.Select):
        raise QueryRefused(RefusalCode.NOT_A_SELECT, "A query is one SELECT statement.", (1, 1))
    return statement


def _place_of(error: ParseError, sql: str) -> tuple[int, int]:
    """Where the parser stopped: it names the last character of the word, and can count a line too many."""
    details = error.errors[0] if error.errors else {}
    line, column, word = details.get("line") or 1, details.get("col") or 1, details.get("highlight") or ""
    lines = sql.split("\n")
    line = min(line, len(lines))
    return line, max(1, min(column - len(word) + 1, len(lines[line - 1]) + 1))


def _query(text: QueryText, select: exp.Select, catalogue: Catalogue) -> AggregateQuery:
    check_clauses(text, select, _SELECT_PARTS)
    mark_filled(select)
    source = read_source(text, select, catalogue)
    scope = source.scope
    _check_size(scope, select)
    where = select.args.get("where")
    predicate: Predicate | None = read_predicate(where.this, scope) if where else None
    selected = [read_item(node, scope) for node in select.expressions]
    _check_labels(scope, select, selected)
    grouped, sets = read_group_by(select, selected, scope)
    check_grouping(select, selected, grouped, scope)
    check_model_alone(select, selected, grouped, scope)
    view = read_view(select, selected, scope)
    return AggregateQuery(source.table, tuple(selected), tuple(grouped), predicate, sets, view, source.joins)


def _check_size(scope: Scope, select: exp.Select) -> None:
    if len(select.expressions) > COLUMN_LIMIT:
        reason = f"A query may ask for {COLUMN_LIMIT} columns; this one asks for {len(select.expressions)}."
        raise scope.refuse(RefusalCode.TOO_MANY_COLUMNS, reason, select.expressions[COLUMN_LIMIT])
    terms = list(select.find_all(exp.Connector))
    if len(terms) > TERM_LIMIT:
        reason = f"A query may have {TERM_LIMIT} ANDs and ORs; this one has {len(terms)}. IN lists count as one."
        raise scope.refuse(RefusalCode.TOO_MANY_TERMS, reason, terms[0])


def _check_labels(scope: Scope, select: exp.Select, selected: list[Selected]) -> None:
    seen: set[str] = set()
    for node, each in zip(select.expressions, selected, strict=True):
        label = each.label.lower()
        reserved = label == scope.table.authority_column and not isinstance(each.item, Grouped)
        if label in seen or reserved:
            reason = "Two columns of the answer would have this name: give one another with AS."
            raise scope.refuse(RefusalCode.LABEL_REPEATED, reason, node)
        seen.add(label)
