"""The cast of these tests: members whose keys follow from their names, the register they are in, a manifest they sign.

Nothing here checks anything, so that a test can sign what no honest member would.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path as FilePath
from types import MappingProxyType

import msgspec

from disclosure_control.presets.shipped import load_preset
from federation.envelope import Envelope, Signer, seal_envelope, write_envelope
from federation.keys import MemberKeys
from federation.manifest import MANIFEST_TYPE, Manifest, Path, write_manifest
from federation.passkeys import Passkey
from federation.preset_terms import state_preset
from federation.register import REGISTER_TYPE, Member, MemberKind, OrganisationKind, Register, Served, public_text
from federation.root import RootKey
from federation.state import Profile, make_profile
from federation.wire import encode_document
from tests.projects import make_project

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ROOT = RootKey("circe-test", b"\x07" * 32)
OTHER_ROOT = RootKey("circe-test", b"\x08" * 32)

NOT_BASE64 = ("", "=", "AA", "AA=", "AAA==", "AB==", "AAAA\n", " AAAA", "-_8=", "é", "AA==AA==", "🗝")
"""Spellings that no field of a document may have; the empty one stands for a key that is missing."""

PASSKEY = Passkey(
    relying_party="node.la-203.example",
    credential=public_text(b"credential of 24 bytes  "),
    public_key=public_text(bytes.fromhex("a4010103272006215820") + ROOT.public_key),
)
"""A passkey on Ed25519, as an authenticator writes it."""

PEOPLE = {
    "ana@ucl": (MemberKind.RESEARCHER, "ucl", OrganisationKind.RESEARCH),
    "lou@dfe": (MemberKind.DFE_ANALYST, "dfe", OrganisationKind.DEPARTMENT),
    "ben@ucl": (MemberKind.APPROVER, "ucl", OrganisationKind.RESEARCH),
    "eve@lse": (MemberKind.APPROVER, "lse", OrganisationKind.RESEARCH),
    "officer@dfe": (MemberKind.APPROVER, "dfe", OrganisationKind.DEPARTMENT),
    "officer@la-203": (MemberKind.APPROVER, "la-203", OrganisationKind.AUTHORITY),
    "deputy@la-203": (MemberKind.APPROVER, "la-203", OrganisationKind.AUTHORITY),
    "ig@la-301": (MemberKind.IG_OFFICER, "la-301", OrganisationKind.AUTHORITY),
    "node-203": (MemberKind.NODE, "la-203", OrganisationKind.AUTHORITY),
    "node-301": (MemberKind.NODE, "la-301", OrganisationKind.AUTHORITY),
    "hub": (MemberKind.HUB, "hub-operator", OrganisationKind.HUB_OPERATOR),
}
"""Everyone in the register: kind, organisation and its kind."""


HUB = "https://hub.example:8400"
PROFILE: Mapping[str, object] = MappingProxyType(
    {
        "member_id": "node-301",
        "kind": "node",
        "title": "Barking and Dagenham",
        "organisation": "la-301",
        "organisation_kind": "authority",
        "operator": "la-301",
        "authorities": ("301",),
    }
)
"""What the person who sets up a node enters."""


@cache
def make_keys(member_id: str) -> MemberKeys:
    """The keys of a member, the same in every run."""
    seed = hashlib.shake_256(member_id.encode()).digest(32 + 96 + 32 + 32 + 32)
    return MemberKeys(member_id, seed[:32], seed[32:128], seed[128:160], seed[160:192], seed[192:])


def serve(code: str, start: datetime = NOW - timedelta(days=30), end: datetime | None = None) -> tuple[Served, ...]:
    """The code that a node serves, and from when to when."""
    return (Served(code=code, valid_from=start, valid_to=end),)


def make_member(member_id: str, **changes: object) -> Member:
    """The register's entry for one of the people, or for somebody like a node, with some fields changed."""
    kind, organisation, organisation_kind = PEOPLE.get(member_id, PEOPLE["node-203"])
    keys = make_keys(member_id)
    member = Member(
        id=member_id,
        kind=kind,
        title=f"The {kind} {member_id}",
        organisation=organisation,
        organisation_kind=organisation_kind,
        operator=organisation,
        authorities=serve(member_id[-3:]) if kind is MemberKind.NODE else (),
        signing_key=public_text(keys.public_signing_key),
        sealing_key=public_text(keys.public_sealing_key),
        log_key=public_text(keys.public_log_key),
        former_keys=(),
        passkeys=(),
        valid_from=NOW - timedelta(days=30),
        valid_to=NOW + timedelta(days=335),
        revoked=False,
    )
    return msgspec.structs.replace(member, **changes)


def describe_party(**changes: object) -> Profile:
    """The profile of a node that is being set up, with some fields changed."""
    return make_profile(**{**PROFILE, **changes})


def make_register(members: Sequence[Member] | None = None, **changes: object) -> Register:
    """A register of everyone, or of the members given, with some fields changed."""
    register = Register(
        federation="circe-test",
        version=5,
        issued_at=NOW - timedelta(days=1),
        expires_at=NOW + timedelta(days=29),
        members=tuple(map(make_member, PEOPLE)) if members is None else tuple(members),
    )
    return msgspec.structs.replace(register, **changes)


def replace_member(member_id: str, **changes: object) -> Register:
    """A register of everyone, one of whom is changed."""
    return make_register([make_member(each, **(changes if each == member_id else {})) for each in PEOPLE])


def write_register(register: Register, root: Signer = ROOT) -> bytes:
    """The signed register as it is sent, whatever stands in it."""
    return write_envelope(seal_envelope(encode_document(register), REGISTER_TYPE, root))


def make_manifest(**changes: object) -> Manifest:
    """A manifest by Ana, good for a week, with some fields changed."""
    manifest = Manifest(
        query_id="Q-0123456789abcdef",
        project=make_project("attendance-2025", ["ana@ucl"]),
        asker="ana@ucl",
        purpose="How attendance differs by placement",
        sql="SELECT COUNT(*) AS children\nFROM child_year",
        plan_id="plan-" + "a" * 32,
        planner_version="1",
        catalogue_version="0123456789abcdef",
        academic_year="202425",
        snapshot_term="202425-summer",
        path=Path.PER_AUTHORITY,
        sum=None,
        template="",
        choices=(),
        **state_preset(load_preset("ons_10_5")),
        roster=("node-203", "node-301"),
        minimum_register_version=5,
        issued_at=NOW - timedelta(hours=1),
        expires_at=NOW + timedelta(days=7),
        nonce="d" * 64,
    )
    return msgspec.structs.replace(manifest, **changes)


def sign_manifest(manifest: Manifest, *signers: str) -> Envelope:
    """The envelope of a manifest, signed by each with their own key."""
    return seal_envelope(write_manifest(manifest), MANIFEST_TYPE, *map(make_keys, signers))


def flip_bit(data: bytes, bit: int) -> bytes:
    """The same bytes but for one bit."""
    altered = bytearray(data)
    altered[bit // 8] ^= 1 << bit % 8
    return bytes(altered)


def contents(directory: FilePath) -> dict[str, bytes]:
    """Every file of a directory by name, for telling whether anything has changed."""
    return {path.name: path.read_bytes() for path in directory.iterdir()}
