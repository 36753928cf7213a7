"""What notebooks show of questions, queries and releases: plain HTML, every word of it escaped, and no script."""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import islice
from typing import TYPE_CHECKING

from disclosure_control.layout import write_entry
from disclosure_control.models.release import ReleasedModel
from disclosure_control.symbols import MEANINGS, Symbol

if TYPE_CHECKING:
    from disclosure_control.release.showing import ShownTable
    from disclosure_control.rows.protected_table import Entry
    from federation.exchange import QueryStatus
    from query_engine.wording.description import Paragraph

__all__ = ["draw_paragraphs", "draw_release", "draw_status", "draw_trial"]

MOST_ROWS = 60
"""Rows that a notebook shows; a data frame or a file has them all."""


def draw_paragraphs(title: str, paragraphs: "Iterable[Paragraph]") -> str:
    """Headed paragraphs as a description list."""
    entries = "".join(
        f"<dt><b>{escape(heading)}</b></dt>{''.join(f'<dd>{escape(text)}</dd>' for text in texts)}"
        for heading, texts in paragraphs
    )
    return f"<div><p><b>{escape(title)}</b></p><dl>{entries}</dl></div>"


def draw_status(status: "QueryStatus") -> str:
    """Where a query stands, authority by authority."""
    rows = [(node.authority, node.outcome, node.code, node.text) for node in status.nodes]
    head = f"Query {status.query_id}: {status.state}"
    return f"<div>{_draw_table(head, ('Authority', 'Answer', 'Code', 'Reason'), rows)}</div>"


def draw_release(shown: "ShownTable | ReleasedModel", citation: str, provenance: Iterable[tuple[str, str]]) -> str:
    """A release with its symbols and its citation, and with its provenance, headings and texts, folded away."""
    told = draw_paragraphs("Provenance", ((heading, [text]) for heading, text in provenance))
    return (
        f"<div>{_draw_shown(shown)}<p>{escape(citation)}</p>"
        f"<details><summary>Where it comes from</summary>{told}</details></div>"
    )


def draw_trial(shown: "ShownTable | ReleasedModel", warning: str) -> str:
    """A dry run, under a sentence that says what it is."""
    return f"<div><p><b>{escape(warning)}</b></p>{_draw_shown(shown)}</div>"


def _draw_shown(shown: "ShownTable | ReleasedModel") -> str:
    return _draw_model(shown) if isinstance(shown, ReleasedModel) else _draw_rows(shown)


def _draw_model(model: ReleasedModel) -> str:
    columns = ("term", "estimate", "standard error", "95% low", "95% high")
    return _draw_table(f"{model.family} model of {model.outcome}", columns, model.lines)


def _draw_rows(shown: "ShownTable") -> str:
    table = shown.table
    rows = [[_draw_entry(each) for each in row] for row in islice(shown.rows, MOST_ROWS)]
    caption = f"{shown.total:,} rows" if shown.total <= MOST_ROWS else f"{MOST_ROWS} of {shown.total:,} rows"
    legend = "".join(f"<li><b>{symbol.value}</b> {escape(meaning)}</li>" for symbol, meaning in table.symbols.items())
    return _frame_table(caption, table.columns, rows) + (f"<ul>{legend}</ul>" if legend else "")


def _draw_entry(entry: "Entry") -> str:
    """A figure or a category; a symbol says what it means to whoever points at it or has it read out."""
    text = escape(write_entry(entry))
    return f'<abbr title="{escape(MEANINGS[entry])}">{text}</abbr>' if isinstance(entry, Symbol) else text


def _draw_table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return _frame_table(caption, columns, ([escape(each) for each in row] for row in rows))


def _frame_table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in columns)
    body = "".join(f"<tr>{''.join(f'<td>{each}</td>' for each in row)}</tr>" for row in rows)
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
