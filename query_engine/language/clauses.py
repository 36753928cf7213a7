"""The clauses of a SELECT that are no part of the language, each with what to do instead."""

from collections.abc import Mapping, Set
from types import MappingProxyType

from sqlglot import exp

from query_engine.language.text import QueryText
from query_engine.refusal import QueryRefused, RefusalCode

_CLAUSES: Mapping[str, tuple[RefusalCode, str, str]] = MappingProxyType(
    {
        "with_": (RefusalCode.COMMON_TABLE, "WITH", "WITH stands at the beginning of the text alone."),
        "distinct": (RefusalCode.DISTINCT, "DISTINCT", "DISTINCT stands in COUNT(DISTINCT key) alone: use GROUP BY."),
        "qualify": (RefusalCode.CLAUSE, "QUALIFY", "There are no window functions to choose by: leave QUALIFY out."),
        "windows": (RefusalCode.CLAUSE, "WINDOW", "Window functions are not part of the language."),
        "sample": (RefusalCode.CLAUSE, "USING", "Every row is read: leave the sample out."),
        "joins": (RefusalCode.JOIN, "JOIN", "What is worked out for each child comes from one governed table."),
        "laterals": (RefusalCode.JOIN, "LATERAL", "Tables are joined on the child key: leave LATERAL out."),
        "into": (RefusalCode.CLAUSE, "INTO", "A query can do nothing but read: leave INTO out."),
        "locks": (RefusalCode.CLAUSE, "FOR", "A query can do nothing but read: leave FOR UPDATE out."),
    }
)


def check_clauses(text: QueryText, select: exp.Select, allowed: Set[str]) -> None:
    """Check that a SELECT has no clause but those allowed. Raises `QueryRefused`."""
    for name, value in select.args.items():
        if not value or name in allowed:
            continue
        reason = "This SELECT has a clause that is not part of the language where it stands."
        code, word, reason = _CLAUSES.get(name, (RefusalCode.CLAUSE, name.upper(), reason))
        part = value[0] if isinstance(value, list) else value
        at = text.keyword(word) or text.at(part if isinstance(part, exp.Expr) else select)
        raise QueryRefused(code, reason, at)
