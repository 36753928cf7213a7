"""What our own log has about one of our children, and with whom it says that we shared the child."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress

from audit.event import Action, AuditEvent, EventInvalid
from audit.log import LogUnreadable
from audit.search import Search, find_entries
from federation.register import RegisterError
from node.disclosures.record import is_disclosure
from node.disclosures.tokens import list_tokens
from node.service import Node
from policies.names import Relation


def read_own(node: Node, numbers: Sequence[str]) -> list[tuple[int, AuditEvent]]:
    """Return what our own log has about a child, oldest first. Raises `LogUnreadable`."""
    found = find_entries(node.database.connection, Search(subjects=list_tokens(node, numbers)))
    try:
        events = [(entry.index, entry.to_event()) for entry in found if entry.deleted_by is None]
    except EventInvalid:
        raise LogUnreadable(
            "an entry about the child is no event: verify the log before a record is given out"
        ) from None
    return [(index, event) for index, event in reversed(events) if is_disclosure(event)]


def list_shared(node: Node, own: Sequence[tuple[int, AuditEvent]]) -> dict[str, tuple[str, ...]]:
    """Return, by authority, the lookups of which its log has to have the other end, as ours says."""
    shared: dict[str, dict[str, None]] = defaultdict(dict)
    for _, event in own:
        other = _other_end(node, event)
        if other and other != node.authority and event.reference.startswith(("L-", "P-")):
            shared[other][event.reference] = None
    return {authority: tuple(references) for authority, references in sorted(shared.items())}


def _other_end(node: Node, event: AuditEvent) -> str:
    match event.action:
        case Action.LOOKUP_ANSWERED:
            return event.acting_for
        case Action.LOOKUP_RECEIVED if event.relationship == Relation.HOME:
            return str(event.details.get("home", ""))  # The host that we asked: it is named as whoever answered.
        case Action.HANDOVER_OFFERED | Action.HANDOVER_COLLECTED if event.relationship == Relation.HOME:
            return str(event.details.get("other", ""))
        case Action.CLAIM_STORED:
            with suppress(RegisterError):
                return node.register().find(str(event.details.get("host", "")), node.clock()).authority(node.clock())
    return ""
