"""A release is what the nodes signed: its reader puts the table together again and believes the hub nothing."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from federation.client import derive_plan
from federation.envelope import Envelope, read_envelope, seal_envelope
from federation.exchange import ReleaseDocument
from federation.manifest import MANIFEST_TYPE, REPLY_TYPE, manifest_digest, read_manifest
from federation.releases import ReleaseMismatch, combine_tables, load_approved_preset, verify_release
from federation.wire import encode_document, whole_seconds
from node.answering import answer_manifest
from tests.small_federation import SmallFederation, read_reply


def honest_release(federation: SmallFederation, envelope: Envelope, silent: tuple[str, ...] = ()) -> ReleaseDocument:
    """Have the nodes answer, and make the release that an honest hub makes of it."""
    from federation.envelope import write_envelope

    manifest = read_manifest(envelope)
    answers = [
        answer_manifest(federation.node(authority), write_envelope(envelope))
        for authority in federation.authorities
        if authority not in silent
    ]
    replies = [data for data in answers if data is not None]
    by_node = {read_reply(data).node: read_reply(data) for data in replies}
    authorities = {f"node-{code}": code for code in federation.authorities}
    table = combine_tables(derive_plan(manifest), load_approved_preset(manifest), by_node, authorities)
    return ReleaseDocument(
        release_id="R-0000000000000000",
        query_id=manifest.query_id,
        manifest_digest=manifest_digest(envelope),
        sql=manifest.sql,
        purpose=manifest.purpose,
        released_at=whole_seconds(federation.clock()),
        table=table.to_json(),
        nodes=(),
        replies=tuple(read_envelope(data, REPLY_TYPE) for data in replies),
        checkpoint="",
    )


def verify(federation: SmallFederation, document: ReleaseDocument, envelope: Envelope) -> Any:
    return verify_release(document, envelope, derive_plan(read_manifest(envelope)), federation.register)


@pytest.fixture
def asked(federation: SmallFederation) -> Envelope:
    """An approved manifest."""
    return read_envelope(federation.sign(federation.manifest()), MANIFEST_TYPE)


def test_an_honest_release_is_verified(federation: SmallFederation, asked: Envelope) -> None:
    document = honest_release(federation, asked)
    assert verify(federation, document, asked).to_json() == document.table


def test_an_authority_that_is_late_is_no_forgery(federation: SmallFederation, asked: Envelope) -> None:
    document = honest_release(federation, asked, silent=("301",))
    assert dict(verify(federation, document, asked).absent) == {"301": "late"}


def invent_a_figure(document: ReleaseDocument, federation: SmallFederation) -> ReleaseDocument:
    rows = [list(row) for row in document.table["rows"]]
    column = next(place for place, value in enumerate(rows[0]) if isinstance(value, int) and place > 1)
    rows[0][column] += 5
    return msgspec.structs.replace(document, table={**document.table, "rows": rows})


def drop_a_reply(document: ReleaseDocument, federation: SmallFederation) -> ReleaseDocument:
    return msgspec.structs.replace(document, replies=document.replies[1:])


def repeat_a_reply(document: ReleaseDocument, federation: SmallFederation) -> ReleaseDocument:
    return msgspec.structs.replace(document, replies=(*document.replies, document.replies[0]))


def forge_a_reply(document: ReleaseDocument, federation: SmallFederation) -> ReleaseDocument:
    """The hub signs a node's reply with its own key."""

    class Impostor:
        member_id = "node-203"

        def sign(self, message: bytes) -> bytes:
            return federation.party("hub").keys.sign(message)

    reply = msgspec.structs.replace(read_reply(_bytes(document.replies[0])), node="node-203")
    forged = seal_envelope(encode_document(reply), REPLY_TYPE, Impostor())
    return msgspec.structs.replace(document, replies=(forged, *document.replies[1:]))


def name_another_query(document: ReleaseDocument, federation: SmallFederation) -> ReleaseDocument:
    return msgspec.structs.replace(document, query_id="Q-1111111111111111")


def bring_replies_to_another_manifest(document: ReleaseDocument, federation: SmallFederation) -> ReleaseDocument:
    other = read_envelope(federation.sign(federation.manifest()), MANIFEST_TYPE)
    return msgspec.structs.replace(document, replies=honest_release(federation, other).replies)


def _bytes(envelope: Envelope) -> bytes:
    from federation.envelope import write_envelope

    return write_envelope(envelope)


@pytest.mark.parametrize(
    "tamper",
    [
        invent_a_figure,
        drop_a_reply,
        repeat_a_reply,
        forge_a_reply,
        name_another_query,
        bring_replies_to_another_manifest,
    ],
    ids=lambda tamper: tamper.__name__.replace("_", " "),
)
def test_what_a_dishonest_hub_changes_is_found(
    federation: SmallFederation,
    asked: Envelope,
    tamper: Callable[[ReleaseDocument, SmallFederation], ReleaseDocument],
) -> None:
    document = honest_release(federation, asked)
    with pytest.raises(ReleaseMismatch):
        verify(federation, tamper(document, federation), asked)
