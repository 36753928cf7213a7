"""What another authority's node told of a child's tracking record, as our page shows it: to read, never to change."""

from datetime import date, datetime

from federation.lookups import ChildFile, LookupAnswer
from node.lookups.file_fields import TRACKED
from node.service import Node
from node.tracking.flags import Watch
from node.tracking.known import KnownChild
from node.tracking.summary import ChildSummary, summarise
from node.tracking.telling import TellingUnreadable, read_told
from policies.names import FieldGroup


def summarise_told(node: Node, answer: LookupAnswer, file: ChildFile) -> ChildSummary | str | None:
    """The summary of what was told; a sentence where it cannot be read, and None where nothing was told."""
    return _summarise(node, file, frozenset(answer.fields), answer.as_of, f"authority {answer.authority}")


def summarise_named(node: Node, file: ChildFile) -> ChildSummary | str | None:
    """The same of one of our own children, as far as the child was named to somebody here."""
    told = frozenset(name for name in TRACKED if getattr(file, name))
    return _summarise(node, file, told, node.clock(), "our virtual school")


def _summarise(
    node: Node, file: ChildFile, fields: frozenset[str], as_of: datetime, by: str
) -> ChildSummary | str | None:
    texts = [getattr(file, name) for name in TRACKED]
    if not any(texts):
        return None
    try:
        record = read_told(texts, as_of, by)
    except TellingUnreadable as unreadable:
        return str(unreadable)
    readable = frozenset(group for name, group in TRACKED.items() if name in fields)
    child = KnownChild(
        token="",
        number=file.la_child_id,
        readable=readable | {FieldGroup.IDENTITY},
        writable=frozenset(),
        care_start=_read_day(file.care_start),
    )
    watch = Watch(node.clock().date(), float(node.rules().tracking.acceleration))
    return summarise(record, child, (), watch)


def _read_day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
