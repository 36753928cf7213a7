"""A release is what the nodes signed: its reader puts the table together again and believes the hub nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from disclosure_control.presets.preset import Preset, PresetInvalid
from disclosure_control.presets.shelf import SHIPPED, PresetShelf
from federation.ceremony import enrol_members, revoke_member
from federation.client import derive_plan
from federation.client.manifests import Replanned
from federation.client.verification import WORDS_TAKEN, verify_document
from federation.envelope import Envelope, read_envelope, seal_envelope
from federation.exchange import ReleaseDocument
from federation.joining import request_rotation
from federation.manifest import MANIFEST_TYPE, REPLY_TYPE, Reply, manifest_digest, read_manifest
from federation.one_sitting import ask_as_invited
from federation.releases import (
    ReleaseMismatch,
    check_not_later,
    combine_tables,
    load_approved_preset,
    name_release,
    verify_release,
)
from federation.state import create_party
from federation.wire import decode_document, encode_document, whole_seconds
from node.answering import answer_manifest
from query_engine.catalogue import load_catalogue
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
        release_id=name_release(manifest_digest(envelope), table.to_json()),
        query_id=manifest.query_id,
        manifest_digest=manifest_digest(envelope),
        sql=manifest.sql,
        purpose=manifest.purpose,
        released_at=whole_seconds(federation.clock()),
        table=table.to_json(),
        nodes=(),
        replies=tuple(read_envelope(data, REPLY_TYPE) for data in replies),
        opening=None,
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


def test_under_another_catalogue_that_plans_alike_it_is_verified_whole(
    federation: SmallFederation, asked: Envelope, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where only the words of the method are others, it is said that they are the hub's."""
    document = honest_release(federation, asked)
    newer = replace(load_catalogue(), version="0" * 16)
    monkeypatch.setattr("query_engine.catalogue.load_catalogue", lambda: newer)
    assert verify_document(document, asked, federation.register, SHIPPED) == ()
    with pytest.raises(ReleaseMismatch, match="not the one"):
        verify_document(invent_a_figure(document, federation), asked, federation.register, SHIPPED)
    monkeypatch.setattr("disclosure_control.release.gate.PROTECTED_AT", "As it always was.")
    assert verify_document(document, asked, federation.register, SHIPPED) == (WORDS_TAKEN,)


def test_of_an_authority_that_the_catalogue_has_no_more_the_rows_are_verified_as_signed(
    federation: SmallFederation, asked: Envelope, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, plan = honest_release(federation, asked), derive_plan(read_manifest(asked))
    column = plan.governed.columns["home_authority"]
    today = {**plan.governed.columns, "home_authority": replace(column, domain=("999",))}
    later = replace(plan, governed=replace(plan.governed, columns=today))
    monkeypatch.setattr("federation.client.verification.replan", lambda *_: Replanned(later, is_ours=False))
    unknown = "the table as a whole, since the catalogue that is here has no authority "
    assert verify_document(document, asked, federation.register, SHIPPED)[0].startswith(unknown)
    with pytest.raises(ReleaseMismatch, match="not the one"):
        verify_document(invent_a_figure(document, federation), asked, federation.register, SHIPPED)


class LostPresets(PresetShelf):
    """A shelf from which the version that protects a release has gone."""

    def find(self, name: str, version: str) -> Preset:
        raise PresetInvalid(f"{name}: version {version} is not here")


def test_without_the_rules_that_protect_it_the_rows_are_verified_as_signed(
    federation: SmallFederation, asked: Envelope, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, plan = honest_release(federation, asked), derive_plan(read_manifest(asked))
    monkeypatch.setattr("federation.client.verification.replan", lambda *_: Replanned(plan, is_ours=False))
    left_open = verify_document(document, asked, federation.register, LostPresets())
    assert left_open[0].startswith("the table as a whole, since the rules that protect it are not here (opensafely: ")


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


def state_another_question(document: ReleaseDocument, federation: SmallFederation) -> ReleaseDocument:
    return msgspec.structs.replace(document, sql=document.sql.replace(" AND counted_here", ""))


def state_another_purpose(document: ReleaseDocument, federation: SmallFederation) -> ReleaseDocument:
    return msgspec.structs.replace(document, purpose="For something that nobody approved")


def give_another_id(document: ReleaseDocument, federation: SmallFederation) -> ReleaseDocument:
    return msgspec.structs.replace(document, release_id="R-0123456789abcdef")


def date_it_back(document: ReleaseDocument, federation: SmallFederation) -> ReleaseDocument:
    return msgspec.structs.replace(document, released_at=document.released_at - timedelta(minutes=6))


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
        state_another_question,
        state_another_purpose,
        give_another_id,
        date_it_back,
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


def test_clocks_may_differ_and_nothing_is_released_in_days_to_come(
    federation: SmallFederation, asked: Envelope
) -> None:
    """By as much as a signed request may be off, and no more."""
    document = honest_release(federation, asked)
    verify(
        federation, msgspec.structs.replace(document, released_at=document.released_at - timedelta(minutes=5)), asked
    )
    now = document.released_at
    check_not_later(document, now - timedelta(minutes=5))
    with pytest.raises(ReleaseMismatch, match="yet to come by this machine's clock"):
        check_not_later(document, now - timedelta(minutes=6))


def hand_out(federation: SmallFederation, requests: list[Path]) -> None:
    """Have the root sign a register, and everybody take it."""
    file = federation.directory / "register.json"
    enrol_members(federation.directory / "root", file, requests, 30, federation.clock())
    for authority in federation.authorities:
        federation.node(authority).party.adopt_register(file.read_bytes(), federation.clock())


def test_a_release_is_read_after_a_node_has_rotated_its_keys(federation: SmallFederation) -> None:
    """Nobody acts on a release: its replies count under the keys that the nodes had when they replied."""
    envelope = read_envelope(federation.sign(federation.manifest()), MANIFEST_TYPE)
    document = honest_release(federation, envelope)
    for _ in range(2):
        hand_out(federation, [request_rotation(federation.party("node-301"), None, federation.clock())])
        assert verify(federation, document, envelope).to_json() == document.table


def test_a_former_key_counts_for_no_version_after_it(federation: SmallFederation) -> None:
    """Whoever stole a key that has been rotated out signs for the time before, and not for now."""
    stolen = federation.party("node-301").keys
    hand_out(federation, [request_rotation(federation.party("node-301"), None, federation.clock())])
    envelope = read_envelope(federation.sign(federation.manifest()), MANIFEST_TYPE)
    document = honest_release(federation, envelope)
    reply = next(each for each in document.replies if each.signers == ("node-301",))
    assert decode_document(reply.body, Reply).register_version == 2
    forged = seal_envelope(reply.body, REPLY_TYPE, stolen)
    replies = tuple(forged if each is reply else each for each in document.replies)
    with pytest.raises(ReleaseMismatch, match="does not verify"):
        verify(federation, msgspec.structs.replace(document, replies=replies), envelope)


def test_keys_that_were_revoked_count_for_no_version(federation: SmallFederation) -> None:
    """A node that comes back by invitation has no former keys: what the stolen one signed cannot be told apart."""
    envelope = read_envelope(federation.sign(federation.manifest()), MANIFEST_TYPE)
    document = honest_release(federation, envelope)
    root, file = federation.directory / "root", federation.directory / "register.json"
    revoke_member(root, file, "node-301", 30, federation.clock())
    again = create_party(federation.directory / "again", federation.party("node-301").profile)
    hand_out(federation, [ask_as_invited(root, again, federation.clock())])
    with pytest.raises(ReleaseMismatch, match="does not verify"):
        verify(federation, document, envelope)
