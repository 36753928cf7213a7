"""Gathering one child's disclosures: our own log's entries, and what the counterparties that it names have of them.

The officer gives the child's numbers. Our log's entries about the child say with whom we shared it; those nodes alone
are asked, each for the lookups that our log shares with it. What comes of it is kept as a record for three months, for
it is reviewed, printed and given out within that time, and gathered anew afterwards.
"""

import secrets
from datetime import timedelta

from audit.event import Outcome
from federation.database import stamp
from federation.disclosures import Mandate
from federation.envelope import Signature, add_signature
from federation.state import StateError
from federation.wire import decode_document, encode_document, whole_seconds
from node.disclosures.mandates import check_gatherer, check_mandate, find_officer, gathering_event, take_draft
from node.disclosures.marks import read_marks
from node.disclosures.own_entries import read_own
from node.disclosures.record import Disclosure, DisclosureRecord, in_order, tell_own
from node.disclosures.rounds import ask_all
from node.disclosures.tokens import list_tokens
from node.lookups.asking import Carrier
from node.people import Person
from node.service import Node

KEPT_FOR = timedelta(days=92)
"""How long a record is kept here: a request is answered within a month, or three (UK GDPR, Art. 12(3))."""

MOST_BYTES = 64 * 1024 * 1024
"""The longest record that is read back: some hundred thousand entries."""


def send_gathering(
    node: Node, hub: Carrier, officer: Person, draft_id: str, signature: Signature, *, patience: int
) -> DisclosureRecord:
    """Ask every counterparty under a signed mandate, and keep what comes of it as a record. A draft is sent once.

    Raises `AccessDenied`, and `StateError` for a draft that is not the officer's or is over, and for a signature that
    does not hold: nothing is sent then.
    """
    check_gatherer(node, officer)
    member = find_officer(node, officer)
    drafted, child = take_draft(node, officer, draft_id)
    mandate, reason = add_signature(drafted, signature), decode_document(drafted.body, Mandate).reason
    check_mandate(node, officer, member, mandate, child)
    record_id = f"SAR-{secrets.token_hex(8)}"
    node.record(gathering_event(node, officer, reason, Outcome.INTENDED, record_id, asked=len(child.shared)))
    told, unheard = ask_all(node, hub, officer, reason, mandate, child, patience) if child.shared else ([], [])
    own = [tell_own(node.authority, index, event) for index, event in read_own(node, child.numbers)]
    record = DisclosureRecord(
        record_id=record_id,
        authority=node.authority,
        made_at=whole_seconds(node.clock()),
        made_by=officer.id,
        reason=reason,
        disclosures=in_order([*own, *told]),
        unheard=tuple(unheard),
    )
    subject = list_tokens(node, child.numbers)[0]
    done = gathering_event(
        node,
        officer,
        reason,
        Outcome.DONE,
        record_id,
        subject=subject,
        disclosures=len(record.disclosures),
        unheard=len(unheard),
    )
    with node.database.transaction() as connection:
        connection.execute("DELETE FROM subject_records WHERE made_at <= ?", (stamp(node.clock() - KEPT_FOR),))
        row = (record_id, stamp(node.clock()), encode_document(record))
        connection.execute("INSERT INTO subject_records VALUES (?, ?, ?)", row)
        node.database.log.append(connection, done)
    return record


def list_records(node: Node) -> tuple[DisclosureRecord, ...]:
    """Return the records that are kept, newest first."""
    rows = node.database.connection.execute(
        "SELECT record FROM subject_records WHERE made_at > ? ORDER BY made_at DESC, record_id",
        (stamp(node.clock() - KEPT_FOR),),
    )
    return tuple(decode_document(bytes(row["record"]), DisclosureRecord, limit=MOST_BYTES) for row in rows)


def find_record(node: Node, record_id: str) -> DisclosureRecord:
    """Return a record that is kept. Raises `StateError`."""
    for record in list_records(node):
        if record.record_id == record_id:
            return record
    raise StateError("no such record is kept here: gather it again")


def what_is_open(node: Node, record: DisclosureRecord) -> tuple[tuple[Disclosure, ...], tuple[Disclosure, ...]]:
    """Return what of a record may be given out now, and what is held back. Raises `LogUnreadable`."""
    return record.split(read_marks(node.database.connection), node.clock())
