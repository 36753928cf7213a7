"""The quality of a node's files as one HTML page that needs nothing else: no server, no network, no script.

It has the look of every page of Circe, from the page kit; its stylesheet is in it, and its own policy lets a browser
use that and nothing else.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined

import federation.web
from federation.web.site import ASSETS, as_breakable, as_sentence
from node.lookups.reading_room import Reader
from node.quality.overview import Overview, group_by_file
from node.quality.returns import Finding

TEMPLATE = "quality_page.html"
MOST_SHOWN = 20
"""Row numbers, or children, that the page shows in one place; the CSV has them all."""


def render_page(overview: Overview, reader: Reader) -> str:
    """Return the page, which says for whom and why it was made."""
    here = Path(__file__).parent
    kit = Path(federation.web.__path__[0]) / "templates"
    jinja = Environment(
        loader=ChoiceLoader([FileSystemLoader(here), FileSystemLoader(kit)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.filters.update(sentence=as_sentence, breakable=as_breakable, rows=describe_rows)
    jinja.globals.update(children=describe_children, places=describe_places)
    sheets = (ASSETS / "govuk-frontend.css", ASSETS / "circe.css", here / "quality_page.css")
    style = "\n".join(path.read_text(encoding="utf-8") for path in sheets)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'"
    # The stylesheet goes in as it is: the policy is the hash of these very characters.
    return jinja.get_template(TEMPLATE).render(
        overview=overview,
        reader=reader,
        style=style,
        policy=policy,
    )


def describe_rows(numbers: Sequence[int], rows: int) -> str:
    """Return row numbers in words, of so many rows in all."""
    shown = ", ".join(f"{number:,}" for number in numbers[:MOST_SHOWN])
    more = rows - len(numbers[:MOST_SHOWN])
    if not shown:
        return f"{rows:,} row{'' if rows == 1 else 's'}, whose numbers are not known"
    return f"row{'' if rows == 1 else 's'} {shown}" + (f" and {more:,} more" if more else "")


def describe_children(found: Iterable[Finding]) -> list[tuple[str, str]]:
    """Return our children of some findings, each with the rows about it."""
    ordered = sorted(found, key=lambda each: each.la_child_id or "")
    grouped = groupby(ordered, key=lambda each: each.la_child_id or "")
    return [(child, "; ".join(describe_places(each))) for child, each in grouped]


def describe_places(found: Iterable[Finding]) -> list[str]:
    """Return the files of some findings, each with its rows."""
    return [
        f"{file}, {describe_rows([each.row for each in rows if each.row is not None], len(rows))}"
        for file, rows in group_by_file(found).items()
    ]
