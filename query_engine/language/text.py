"""The asker's text: bounded, cut into words, and able to say where in it a refusal belongs.

No refusal repeats any of the text, since someone could have typed a child's identifier into it: the place says enough.
"""

import string
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from sqlglot import exp
from sqlglot.dialects import DuckDB
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import Token, TokenType

from query_engine.refusal import QueryRefused, RefusalCode

TEXT_LIMIT = 10_000
"""The most characters a query may have."""

DEPTH_LIMIT = 20
"""The most brackets, CASEs and NOTs that may stand inside one another."""

Place = tuple[int, int]
"""A line and a column, both counted from 1."""

_ALLOWED = frozenset(string.ascii_letters + string.digits + string.punctuation + " \t\r\n")
_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END}
_PREFIXES = {TokenType.NOT, TokenType.DASH, TokenType.PLUS, TokenType.TILDE}
_QUOTED = {TokenType.STRING, TokenType.IDENTIFIER}


@dataclass(frozen=True, slots=True)
class QueryText:
    """One statement's text and its tokens, of which the last is not a semicolon."""

    sql: str
    tokens: tuple[Token, ...]

    def at(self, node: exp.Expr) -> Place:
        """Where a node begins; where the parser did not keep that, where the nearest node around it begins."""
        here: exp.Expr | None = node
        if isinstance(node, exp.Boolean | exp.Null):
            return self.keyword(node.sql()) or (1, 1)
        while here is not None:
            starts = [each.meta["start"] for each in here.walk() if "start" in each.meta]
            if starts:
                return place(self.sql, min(starts))
            here = here.parent
        return (1, 1)

    def keyword(self, word: str) -> Place | None:
        """Where a keyword first stands as a word of its own."""
        for token in self.tokens:
            if token.token_type not in _QUOTED and token.text.upper().split(" ")[0] == word:
                return place(self.sql, token.start)
        return None

    def refuse(self, code: RefusalCode, reason: str, node: exp.Expr) -> QueryRefused:
        """A refusal at the place of a node."""
        return QueryRefused(code, reason, self.at(node))


def place(sql: str, offset: int) -> Place:
    """The line and column of the character at an offset."""
    line_start = sql.rfind("\n", 0, offset) + 1
    return sql.count("\n", 0, offset) + 1, offset - line_start + 1


def read_text(sql: str) -> QueryText:
    """Check a text before it is parsed, and cut it into words. Raises `QueryRefused`."""
    _check_characters(sql)
    tokens = _tokens(sql)
    _check_comments(sql, tokens)
    while tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        tokens.pop()
    _check_one_select(sql, tokens)
    _check_depth(sql, tokens)
    return QueryText(sql, tuple(tokens))


def _check_characters(sql: str) -> None:
    if len(sql) > TEXT_LIMIT:
        raise QueryRefused(
            RefusalCode.TEXT_TOO_LONG,
            f"A query may have {TEXT_LIMIT:,} characters, and this one goes on.",
            place(sql, TEXT_LIMIT),
        )
    for offset, character in enumerate(sql):
        is_stray = character == "\r" and sql[offset + 1 : offset + 2] != "\n"
        if character not in _ALLOWED or is_stray:
            raise QueryRefused(
                RefusalCode.CHARACTER,
                "This character is not printable ASCII, nor the end of a line. No name or category of the "
                "catalogue needs it: type it again.",
                place(sql, offset),
            )


def _tokens(sql: str) -> list[Token]:
    try:
        tokens: list[Token] = DuckDB().tokenize(sql)
    except TokenError:
        raise QueryRefused(
            RefusalCode.SYNTAX,
            "A quotation or bracket that is opened in the text is never closed: check the quotation marks.",
            (1, 1),
        ) from None
    return tokens


def _check_comments(sql: str, tokens: list[Token]) -> None:
    """Whatever stands between two tokens and is not blank is a comment."""
    for first, last in _gaps(sql, tokens):
        between = sql[first:last]
        if between.strip():
            offset = first + len(between) - len(between.lstrip())
            raise QueryRefused(
                RefusalCode.COMMENT,
                "Take this comment out: approvers read the query itself. Say what it is for in the project's purpose.",
                place(sql, offset),
            )


def _gaps(sql: str, tokens: list[Token]) -> Iterator[tuple[int, int]]:
    ends = [0, *(token.end + 1 for token in tokens)]
    starts = [*(token.start for token in tokens), len(sql)]
    yield from zip(ends, starts, strict=True)


def _check_one_select(sql: str, tokens: list[Token]) -> None:
    for semicolon, following in pairwise(tokens):
        if semicolon.token_type is TokenType.SEMICOLON:
            raise QueryRefused(
                RefusalCode.SEVERAL_STATEMENTS,
                "A second statement begins here. Submit one query at a time.",
                place(sql, following.start),
            )
    if not tokens or tokens[0].token_type not in (TokenType.SELECT, TokenType.WITH):
        raise QueryRefused(
            RefusalCode.NOT_A_SELECT,
            "A query begins with SELECT and can do nothing but read.",
            place(sql, tokens[0].start if tokens else 0),
        )


def _check_depth(sql: str, tokens: list[Token]) -> None:
    """Bound nesting before the parser, which works by recursion, sees it."""
    depth = prefixes = 0
    for token in tokens:
        depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
        prefixes = prefixes + 1 if token.token_type in _PREFIXES else 0
        if depth + prefixes > DEPTH_LIMIT:
            raise QueryRefused(
                RefusalCode.TOO_DEEP,
                f"Brackets, CASE and NOT may stand {DEPTH_LIMIT} deep. Write the condition more simply.",
                place(sql, token.start),
            )
