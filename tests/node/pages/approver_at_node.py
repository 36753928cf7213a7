"""An approver at the node of their own authority, and a hub that hands out what a test wants."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from federation.envelope import Envelope, Signature, add_signature, read_envelope, write_envelope
from federation.exchange import ApproversRefusal, QueryState, QueryStatus, WaitingManifests
from federation.manifest import MANIFEST_TYPE, Manifest, manifest_digest, read_manifest
from federation.passkeys import Passkey
from federation.register import read_signed_register, sign_register
from federation.root import open_root
from tests.small_federation import SmallFederation

OFFICER = "officer@la-203"


@dataclass
class PlayedHub:
    """Stands where a node's connection does; it may hand out other bytes than it did before."""

    federation: SmallFederation
    waiting: dict[str, Envelope] = field(default_factory=dict)
    handed_in: list[Signature] = field(default_factory=list)
    refused: list[tuple[str, str, str]] = field(default_factory=list)

    def put_forward(self, manifest: Manifest, *signers: str) -> str:
        """Have a manifest wait, signed by its asker and by whom else is named; returns its id."""
        envelope = read_envelope(self.federation.sign(manifest, (manifest.asker, *signers)), MANIFEST_TYPE)
        self.waiting[manifest.query_id] = envelope
        return manifest.query_id

    def close(self) -> None:
        """There is no connection to close."""

    def fetch_register(self) -> bytes:
        return (self.federation.directory / "register.json").read_bytes()

    def fetch_waiting(self) -> WaitingManifests:
        return WaitingManifests(manifests=tuple(self.waiting.values()))

    def fetch_for_approvers(self, query_id: str) -> bytes:
        return write_envelope(self.waiting[query_id])

    def hand_in_approval(self, query_id: str, signature: Signature) -> QueryStatus:
        self.handed_in.append(signature)
        self.waiting[query_id] = envelope = add_signature(self.waiting[query_id], signature)
        return self.describe(envelope, QueryState.SUBMITTED)

    @staticmethod
    def describe(envelope: Envelope, state: QueryState) -> QueryStatus:
        """Where a query stands, as a hub would tell."""
        manifest = read_manifest(envelope)
        return QueryStatus(
            query_id=manifest.query_id,
            state=state,
            project=manifest.project.name,
            asker=manifest.asker,
            purpose=manifest.purpose,
            sql=manifest.sql,
            manifest_digest=manifest_digest(envelope),
            plan_id=manifest.plan_id,
            cells=1,
            signers=envelope.signers,
            expires_at=manifest.expires_at,
            nodes=(),
        )

    def hand_in_refusal(self, query_id: str, refusal: ApproversRefusal) -> QueryStatus:
        self.refused.append((query_id, refusal.approver, refusal.reason))
        return self.describe(self.waiting.pop(query_id), QueryState.REFUSED)


def register_passkeys(federation: SmallFederation, passkeys: Mapping[str, tuple[Passkey, ...]]) -> None:
    """Have the root put passkeys of approvers into the register that the hub carries."""
    change_members(federation, {member_id: {"passkeys": each} for member_id, each in passkeys.items()})


def change_members(federation: SmallFederation, changes: Mapping[str, Mapping[str, object]]) -> None:
    """Have the root say something else of some members, in the register that the hub carries."""
    root, file = open_root(federation.directory / "root"), federation.directory / "register.json"
    last = read_signed_register(file.read_bytes(), root.public_key)
    members = tuple(msgspec.structs.replace(each, **changes.get(each.id, {})) for each in last.members)
    changed = msgspec.structs.replace(last, version=last.version + 1, members=members)
    file.write_bytes(write_envelope(sign_register(changed, root)))
