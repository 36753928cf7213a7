"""Every parser of what somebody else wrote: any bytes give a value or our own error, and what is read is written back.

Found in the source: each public function of `audit` and `federation` that reads, parses, decodes, opens or loads text,
bytes, a file or an envelope has its line in the table below, or is listed as none with the reason. Bytes are drawn at
random, and made of a good example: in another spelling, or with some of it cut out, changed or repeated, which gets
past the first checks.
"""

import ast
import hashlib
import io
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import audit
import federation
from audit import checkpoint, cosignature, entry, event, export, proof, witness
from audit.log import LogUnreadable
from federation import (
    delegations,
    enrolment,
    envelope,
    evidence,
    handover_packs,
    handovers,
    keys,
    lookups,
    manifest,
    oidc,
    register,
    sealing,
    sealing_keys,
    software,
    state,
    template,
    transport,
    typed_days,
    webauthn,
    wire,
)
from federation.envelope import Envelope, seal_envelope
from federation.secure_sum import dealing, errors, facts, messages, prekeys, sealed, signing, vectors
from federation.web import session
from tests.federation.cast import NOW, ROOT, make_keys, make_member, make_register
from tests.federation.secure_sum.examples import EXAMPLES as SUM_EXAMPLES
from tests.federation.test_every_document import EXAMPLES, OFFER
from tests.federation.test_oidc import ASKED, CLAIMS, KEYS
from tests.federation.test_oidc import NOW as TOLD_AT
from tests.federation.test_oidc import sign as sign_token
from tests.federation.test_webauthn import CHALLENGE

Read = Callable[[bytes], object]

HASH = b64encode(bytes(32)).decode()
CHECKPOINT = f"circe.example/node/301\n7\n{HASH}\n"
NOTE = f"{CHECKPOINT}\n— circe.example/node/301 {b64encode(bytes(68)).decode()}\n"
KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
REGISTER = make_register()
NODE = make_keys("node-301")
ROSTER = messages.SumRoster(epoch="2026-w10", members=("node-203", "node-301"), threshold=2)


@dataclass(frozen=True)
class Parser:
    """How a parser is given bytes, the errors that it may raise, an example that it reads, and how that is written."""

    read: Read
    errors: tuple[type[Exception], ...]
    example: bytes = b""
    write: Callable[[Any], bytes] | None = None


def text(data: bytes) -> str:
    """Bytes as somebody's text, whatever they are."""
    return data.decode("utf-8", "replace")


def signed(kind: str, read: Callable[[Envelope], object], *signers: keys.MemberKeys) -> Read:
    """Reads a body that whoever signs it made up."""
    return lambda data: read(seal_envelope(data, kind, *signers))


def example_of(kind: str) -> bytes:
    """The example of a kind of document, as it is written."""
    return next(wire.encode_document(each) for each in EXAMPLES if type(each).__name__ == kind)


def sum_example(kind: str) -> bytes:
    """The example of a document of secure sums, as it is written."""
    return next(wire.encode_document(each) for each in SUM_EXAMPLES if type(each).__name__ == kind)


def of_pack(data: bytes) -> object:
    """Reads a pack that the sender offered as it is."""
    offered = msgspec.structs.replace(OFFER, pack_digest=hashlib.sha256(data).hexdigest())
    return handover_packs.read_pack(data, offered)


KINDS = tuple({type(each).__name__: type(each) for each in EXAMPLES}.values())
NOTE_ERROR, WIRE = (checkpoint.CheckpointError,), (wire.WireError,)
EXPORT = (export.ExportInvalid, LogUnreadable)
SUM, SEAL = (errors.SumRefused,), (envelope.EnvelopeError, sealing.SealError)

PARSERS = {
    "audit.checkpoint:parse_verifier_key": Parser(
        lambda data: checkpoint.parse_verifier_key(text(data)), NOTE_ERROR, KEY.encode()
    ),
    "audit.checkpoint:parse_checkpoint": Parser(
        lambda data: checkpoint.parse_checkpoint(text(data)),
        NOTE_ERROR,
        CHECKPOINT.encode(),
        lambda read: read.to_text().encode(),
    ),
    "audit.checkpoint:read_signature": Parser(
        lambda data: checkpoint.read_signature(text(data)), NOTE_ERROR, NOTE.splitlines()[-1].encode()
    ),
    "audit.checkpoint:decode_base64": Parser(
        lambda data: checkpoint.decode_base64(text(data), "hash"), NOTE_ERROR, HASH.encode(), b64encode
    ),
    "audit.cosignature:read_cosignatures": Parser(
        lambda data: cosignature.read_cosignatures(data, [checkpoint.parse_verifier_key(KEY)]),
        NOTE_ERROR,
        NOTE.encode(),
    ),
    "audit.entry:read_mark": Parser(entry.read_mark, (), entry.write_mark(7)),
    "audit.event:parse_action": Parser(
        lambda data: event.parse_action(text(data)), (event.EventInvalid,), b"query.drafted", lambda read: read.encode()
    ),
    "audit.event:parse_outcome": Parser(
        lambda data: event.parse_outcome(text(data)), (event.EventInvalid,), b"done", lambda read: read.encode()
    ),
    "audit.event:parse_event": Parser(event.parse_event, (event.EventInvalid,)),
    "audit.export:read_header": Parser(
        lambda data: export.read_header(io.BytesIO(data)),
        EXPORT,
        b'{"circe-audit-log":1,"origin":"circe.example/node/301","entries":7}\n',
    ),
    "audit.export:read_records": Parser(lambda data: list(export.read_records(io.BytesIO(data))), EXPORT, b"{}\n"),
    "audit.proof:parse_proof": Parser(
        proof.parse_proof,
        (proof.ProofInvalid,),
        f"{proof.HEADER}\nindex 3\n{HASH}\n\n{NOTE}".encode(),
        lambda read: read.to_text().encode(),
    ),
    "audit.witness:parse_offer": Parser(
        lambda data: witness.parse_offer(text(data)), NOTE_ERROR, f"old 3\n{HASH}\n\n{NOTE}".encode()
    ),
    "audit.witness:read_hash": Parser(lambda data: witness.read_hash(text(data)), NOTE_ERROR, HASH.encode(), b64encode),
    "federation.delegations:read_delegation": Parser(
        signed(delegations.DELEGATION_TYPE, delegations.read_delegation),
        (delegations.DelegationInvalid,),
        example_of("Delegation"),
        wire.encode_document,
    ),
    "federation.enrolment:read_invitation": Parser(
        lambda data: enrolment.read_invitation(data, NOW), (register.RegisterError,), example_of("Invitation")
    ),
    "federation.enrolment:read_enrolment": Parser(
        enrolment.read_enrolment, (register.RegisterError,), example_of("Enrolment")
    ),
    "federation.enrolment:read_rotation": Parser(
        lambda data: enrolment.read_rotation(data, REGISTER, NOW), (register.RegisterError,), example_of("Envelope")
    ),
    "federation.envelope:decode_base64": Parser(
        lambda data: envelope.decode_base64(text(data)), SEAL, HASH.encode(), b64encode
    ),
    "federation.envelope:read_envelope": Parser(
        lambda data: envelope.read_envelope(data, manifest.MANIFEST_TYPE),
        SEAL,
        envelope.write_envelope(seal_envelope(b"{}", manifest.MANIFEST_TYPE, NODE)),
        envelope.write_envelope,
    ),
    "federation.handover_packs:read_pack": Parser(
        of_pack, (handover_packs.PackUnusable,), b"x\x9c\xab\xae\x05\x00\x01u\x00\xf9"
    ),
    "federation.handovers:read_offer": Parser(
        signed(handovers.OFFER_TYPE, handovers.read_offer), SEAL, example_of("HandoverOffer"), wire.encode_document
    ),
    "federation.lookups:read_message": Parser(
        lambda data: lookups.read_message(
            envelope.write_envelope(seal_envelope(data, lookups.REQUEST_TYPE, NODE)),
            lookups.REQUEST_TYPE,
            lookups.LookupRequest,
            "node-301",
            NODE.public_signing_key,
        ),
        (lookups.LookupFailed,),
        example_of("LookupRequest"),
        wire.encode_document,
    ),
    "federation.manifest:read_manifest": Parser(
        signed(manifest.MANIFEST_TYPE, manifest.read_manifest),
        (manifest.ApprovalError,),
        example_of("Manifest"),
        wire.encode_document,
    ),
    "federation.oidc:read_metadata": Parser(
        lambda data: oidc.read_metadata(data, "https://login.example"),
        (oidc.ProviderRefused,),
        b'{"issuer":"https://login.example","authorization_endpoint":"https://login.example/a",'
        b'"token_endpoint":"https://login.example/t","jwks_uri":"https://login.example/k"}',
    ),
    "federation.oidc:read_document": Parser(
        lambda data: oidc.read_document(data, oidc.Metadata, "the description"), (oidc.ProviderRefused,)
    ),
    "federation.oidc:read_id_token": Parser(
        lambda data: oidc.read_id_token(oidc.Tokens(text(data)), KEYS, ASKED, TOLD_AT),
        (oidc.ProviderRefused,),
        sign_token(CLAIMS).encode(),
    ),
    "federation.register:read_signed_register": Parser(
        lambda data: register.read_signed_register(
            envelope.write_envelope(seal_envelope(data, register.REGISTER_TYPE, ROOT)), ROOT.public_key
        ),
        (register.RegisterError,),
        wire.encode_document(REGISTER),
        wire.encode_document,
    ),
    "federation.register:read_register": Parser(
        lambda data: register.read_register(data, ROOT.public_key, NOW),
        (register.RegisterError,),
        envelope.write_envelope(register.sign_register(REGISTER, ROOT)),
    ),
    "federation.evidence:read_evidence": Parser(
        evidence.read_evidence,
        (wire.WireError, envelope.EnvelopeError),
        example_of("Evidence"),
        wire.encode_document,
    ),
    "federation.sealing_keys:read_sealing_key": Parser(
        signed(
            sealing_keys.SEALING_KEY_TYPE,
            lambda read: sealing_keys.read_sealing_key(read, make_member("node-301"), NOW),
            NODE,
        ),
        (sealing.SealError,),
        example_of("SealingKey"),
        wire.encode_document,
    ),
    "federation.secure_sum.dealing:read_header": Parser(
        signed(messages.DEALING_TYPE, lambda read: dealing.read_header(read, ROSTER, REGISTER, NOW), NODE),
        SUM,
        sum_example("Dealing"),
    ),
    "federation.secure_sum.dealing:read_complaint": Parser(
        signed(messages.COMPLAINT_TYPE, lambda read: dealing.read_complaint(read, REGISTER, NOW), NODE),
        SUM,
        sum_example("Complaint"),
    ),
    "federation.secure_sum.facts:read_attempt": Parser(
        signed(messages.ATTEMPT_TYPE, lambda read: facts.read_attempt(read, REGISTER, NOW), make_keys("hub")),
        SUM,
        sum_example("Attempt"),
    ),
    "federation.secure_sum.prekeys:read_prekey": Parser(
        signed(messages.PREKEY_TYPE, lambda read: prekeys.read_prekey(read, REGISTER, NOW), NODE),
        SUM,
        sum_example("Prekey"),
    ),
    "federation.secure_sum.sealed:open_box": Parser(
        lambda data: sealed.open_box(bytes(32), data, b"place"), (sealed.BoxClosed,), bytes(40)
    ),
    "federation.secure_sum.signing:read_payload": Parser(
        signed(messages.PREKEY_TYPE, lambda read: signing.read_payload(read, messages.PREKEY_TYPE, messages.SumRoster)),
        SUM,
        wire.encode_document(ROSTER),
        wire.encode_document,
    ),
    "federation.secure_sum.signing:read_bytes": Parser(
        lambda data: signing.read_bytes(text(data), "key", 32), SUM, HASH.encode(), b64encode
    ),
    "federation.secure_sum.vectors:read_vector": Parser(
        lambda data: vectors.read_vector(data, 2), (vectors.VectorMalformed,), bytes(16), vectors.write_vector
    ),
    "federation.software:read_products": Parser(
        lambda data: software.read_products(text(data)), (), b"circe/0.1.0 register/7 snapshot/202425-summer-1f0c"
    ),
    "federation.state:read_root_key": Parser(
        lambda data: state.read_root_key(text(data)), (state.StateError,), HASH.encode()
    ),
    "federation.template:read_template": Parser(
        signed(template.TEMPLATE_TYPE, template.read_template),
        (manifest.ApprovalError,),
        example_of("Template"),
        wire.encode_document,
    ),
    "federation.transport:decode_records": Parser(
        lambda data: transport.decode_records(text(data)), SEAL, HASH.encode()
    ),
    "federation.typed_days:read_day": Parser(
        lambda data: typed_days.read_day(text(data)), (ValueError,), b"31/12/2015"
    ),
    "federation.web.session:read_session": Parser(
        lambda data: session.read_session(text(data), bytes(32), NOW), (session.SessionInvalid,), b"a:1:1:code:ana:00"
    ),
    "federation.webauthn:read_registration": Parser(
        lambda data: webauthn.read_registration(data, data, CHALLENGE), (webauthn.WebAuthnRefused,), bytes(90)
    ),
    "federation.webauthn:read_authenticator_data": Parser(
        webauthn.read_authenticator_data, (webauthn.WebAuthnRefused,), bytes(37)
    ),
    "federation.webauthn:decode_base64url": Parser(
        lambda data: webauthn.decode_base64url(text(data)), (webauthn.WebAuthnRefused,), b"AAAA"
    ),
    "federation.wire:decode_document": Parser(
        lambda data: wire.decode_document(data, manifest.Manifest), WIRE, example_of("Manifest"), wire.encode_document
    ),
}

NONE = {
    "audit.checkpoint:load_key": "of 32 bytes of the register, which its fields have held to that",
    "federation.envelope:read_public_key": "of 32 bytes of the register, which its fields have held to that",
    "federation.keys:open_sealing_seed": "a party's own key",
    "federation.commands.check_noise:read_noise_asked": "options that somebody typed",
}
"""What has the name of a parser and reads nothing from outside, with the reason."""

VERBS = ("read", "parse", "decode", "open", "load")
OUTSIDE = ("bytes", "str", "str | bytes", "Envelope", "BinaryIO", "Tokens")


def list_parsers() -> Iterator[str]:
    """Every public function of the two rooms that has the name of a parser, and is given somebody's words."""
    for room in (audit, federation):
        assert room.__file__ is not None
        home = Path(room.__file__).parent
        for path in home.rglob("*.py"):
            module = ".".join((room.__name__, *path.relative_to(home).with_suffix("").parts))
            for each in ast.parse(path.read_text()).body:
                if isinstance(each, ast.FunctionDef) and each.name.partition("_")[0] in VERBS and each.args.args:
                    given_as = each.args.args[0].annotation
                    if given_as is not None and ast.unparse(given_as) in OUTSIDE:
                        yield f"{module}:{each.name}"


def test_every_parser_is_in_the_table() -> None:
    """One that is added without a line here fails, and so does a line of one that is gone."""
    assert sorted(list_parsers()) == sorted([*PARSERS, *NONE])


SPELLINGS: tuple[Callable[[bytes], bytes], ...] = (
    lambda example: example + b"\n",
    lambda example: example + b" ",
    lambda example: b" " + example,
    lambda example: example.replace(b":", b": ", 1),
    lambda example: example.replace(b",", b", ", 1),
    lambda example: example.replace(b"{", b'{"unknown":1,', 1),
    lambda example: example.replace(b"\n", b"\r\n"),
    lambda example: example.rstrip(b"=") + b"B=",
    lambda example: example.rstrip(b"="),
)
"""The same said in other bytes, as a reader that is not strict would take it."""


@st.composite
def hostile(draw: st.DrawFn, example: bytes) -> bytes:
    """Bytes of any kind, or an example in another spelling, or of which a piece was cut out, changed or repeated."""
    match draw(st.sampled_from(["any", "respelt", "altered"])):
        case "any":
            words = st.text(max_size=100).map(lambda value: value.encode("utf-8", "replace"))
            return draw(st.binary(max_size=200) | words)
        case "respelt":
            return draw(st.sampled_from(SPELLINGS))(example)
    first, last = sorted((draw(st.integers(0, len(example))), draw(st.integers(0, len(example)))))
    piece = draw(st.binary(max_size=4) | st.sampled_from([b"", b"\n", b'"', b"null", b"-1", b"9" * 30, b"[" * 2000]))
    return example[:first] + piece + example[draw(st.sampled_from([first, last])) :]


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=25, derandomize=True, deadline=None)
@given(data=st.data())
def test_any_bytes_give_a_value_or_our_own_error(name: str, data: st.DataObject) -> None:
    """And a value is written as the very bytes that it was read from, where there is one way to write it."""
    parser = PARSERS[name]
    given_bytes = data.draw(hostile(parser.example))
    try:
        value = parser.read(given_bytes)
    except parser.errors:
        return
    if parser.write is not None:
        assert parser.write(value) in (given_bytes, text(given_bytes).encode())


@pytest.mark.parametrize("name", [name for name, parser in PARSERS.items() if parser.write is not None])
def test_an_example_comes_back_byte_for_byte(name: str) -> None:
    """So the property above is not held by a parser that refuses whatever it is given."""
    parser = PARSERS[name]
    assert parser.write is not None
    assert parser.write(parser.read(parser.example)) == parser.example


@pytest.mark.parametrize("kind", KINDS, ids=[kind.__name__ for kind in KINDS])
@settings(max_examples=5, derandomize=True, deadline=None)
@given(data=st.data())
def test_any_bytes_give_a_document_of_each_kind_or_our_own_error(
    kind: type[wire.Document], data: st.DataObject
) -> None:
    given_bytes = data.draw(hostile(example_of(kind.__name__)))
    try:
        value = wire.decode_document(given_bytes, kind)
    except wire.WireError:
        return
    assert wire.encode_document(value) == given_bytes
