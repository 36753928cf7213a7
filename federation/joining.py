"""What a member asks of the root from its own directory: to be enrolled as invited, later to have its keys rotated.

The request is a file for the root's keeper. It holds public keys, signed by the private ones, which stay here.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from federation.enrolment import Invitation, write_enrolment, write_rotation
from federation.envelope import write_envelope
from federation.keys import NEXT_KEY_FILE, MemberKeys, load_keys, replace_keys, save_keys
from federation.passkeys import Passkey, PasskeyError, check_passkey
from federation.register import Entry, FormerKey, Member, MemberKind, RegisterError, public_text
from federation.state import Party, StateError, hold_directory, write_file
from federation.wire import whole_seconds
from policies.words import call_role

ENROLMENT_FILE = "enrolment.json"
ROTATION_FILE = "rotation.json"


def request_enrolment(party: Party, invitation: Invitation, passkeys: Sequence[Passkey], now: datetime) -> Path:
    """Write the request that an invitation allows; return its path.

    Raises `StateError` where the invitation is for somebody else than this directory is, and `RegisterError` for a
    passkey that cannot be enrolled.
    """
    check_invited(party, invitation)
    member = _make_member(invitation.entry, party.keys, passkeys, now)
    _check_passkeys(member)
    path = party.directory / ENROLMENT_FILE
    write_file(path, write_envelope(write_enrolment(invitation.code, member, party.keys)))
    return path


def check_invited(party: Party, invitation: Invitation) -> None:
    """Raise `StateError` unless an invitation is for the member whose directory this is."""
    profile, entry = party.profile, invitation.entry
    here = {
        "id": (profile.member_id, entry.id),
        "kind": (profile.kind, entry.kind),
        "organisation": (profile.organisation, entry.organisation),
        "organisation kind": (profile.organisation_kind, entry.organisation_kind),
        "operator": (profile.operator, entry.operator),
        "authority": (set(profile.authorities), {served.code for served in entry.authorities}),
    }
    if differing := [name for name, (own, invited) in here.items() if own != invited]:
        raise StateError(
            f"the invitation is for {entry.id}, and differs from {party.directory} in {', '.join(differing)}: "
            "ask for another, or set the member up as invited"
        )


def request_rotation(party: Party, passkeys: Sequence[Passkey] | None, now: datetime) -> Path:
    """Make fresh keys that wait until the register names them, and write the request; return its path.

    Asked again before that, the same keys wait. The passkeys stay unless others are given. Raises `RegisterError` for
    a member who is not active, or whose keys here are not those that are registered.
    """
    with hold_directory(party.directory):
        known = party.register(now).find(party.member_id, now)
        if known.signing_key != public_text(party.keys.public_signing_key):
            raise RegisterError(f"the register has other keys of {known.id} than this directory: have it revoked")
        if not party.awaits_rotation:
            save_keys(replace_keys(party.keys), party.directory, NEXT_KEY_FILE)
        following = load_keys(party.directory, NEXT_KEY_FILE)
        kept = known.passkeys if passkeys is None else passkeys
        member = _make_member(known, following, kept, now, known.former_keys)
        _check_passkeys(member)
        path = party.directory / ROTATION_FILE
        write_file(path, write_envelope(write_rotation(member, following, party.keys)))
    return path


def _make_member(
    entry: Entry,
    keys: MemberKeys,
    passkeys: Sequence[Passkey],
    now: datetime,
    former_keys: tuple[FormerKey, ...] = (),
) -> Member:
    said = {name: getattr(entry, name) for name in Entry.__struct_fields__}
    return Member(
        **said,
        valid_from=whole_seconds(now),
        signing_key=public_text(keys.public_signing_key),
        sealing_key=public_text(keys.public_sealing_key),
        log_key=public_text(keys.public_log_key),
        former_keys=former_keys,
        passkeys=tuple(passkeys),
        revoked=False,
    )


def _check_passkeys(member: Member) -> None:
    if member.passkeys and member.kind is not MemberKind.APPROVER:
        raise RegisterError(f"{member.id} is {call_role(member.kind)}: approvers alone have passkeys")
    try:
        for passkey in member.passkeys:
            check_passkey(passkey)
    except PasskeyError as error:
        raise RegisterError(f"{member.id}: {error}") from None
