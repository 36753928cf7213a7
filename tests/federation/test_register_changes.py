"""What a register changed, and that a log has it before the register is used."""

from collections.abc import Sequence

import msgspec
import pytest

from audit.event import Action
from audit.log import read_entries
from federation.database import open_database
from federation.register import Register, RegisterError
from federation.register_changes import adopt_and_record, describe_adoption, list_changes
from federation.state import Party, publish_log_key
from tests.federation.cast import NOW, PASSKEY, make_member, make_register, replace_member, write_register

BEFORE = make_register()


def changed(after: Register, before: Register | None = BEFORE) -> list[tuple[str, str]]:
    return [(change.action.value, change.member.id) for change in list_changes(before, after)]


def test_of_the_first_register_everybody_has_entered_who_is_not_revoked() -> None:
    register = replace_member("node-301", revoked=True)
    assert changed(register, None) == [
        ("member.enrolled", member.id) for member in register.members if member.id != "node-301"
    ]


KEYS = {
    "signing_key": make_member("node-301").log_key,
    "sealing_key": make_member("node-203").sealing_key,
    "log_key": make_member("node-301").signing_key,
    "passkeys": (PASSKEY, PASSKEY),
}


@pytest.mark.parametrize(("name", "key"), KEYS.items(), ids=KEYS)
def test_whichever_key_is_another_the_member_has_rotated(name: str, key: object) -> None:
    assert changed(replace_member("node-301", **{name: key})) == [("member.rotated", "node-301")]


def test_what_is_said_beside_the_keys_is_no_change_of_them() -> None:
    assert changed(replace_member("node-301", title="Barking and Dagenham", operator="consortium")) == []


def test_a_member_is_revoked_once_and_enrolled_again_with_other_keys() -> None:
    revoked = replace_member("node-301", revoked=True)
    assert changed(revoked) == [("member.revoked", "node-301")]
    assert changed(revoked, revoked) == []
    assert changed(BEFORE, revoked) == [("member.enrolled", "node-301")]


def test_a_member_who_is_left_out_is_revoked() -> None:
    rest = tuple(member for member in BEFORE.members if member.id != "node-301")
    assert changed(msgspec.structs.replace(BEFORE, members=rest)) == [("member.revoked", "node-301")]


def test_an_entry_names_member_kind_key_and_version() -> None:
    revoked, adopted = describe_adoption(BEFORE, replace_member("node-301", revoked=True), "hub", NOW)
    assert (revoked.action, revoked.reference, revoked.actor) == (Action.MEMBER_REVOKED, "register-5", "hub")
    assert {**revoked.details, "key": len(str(revoked.details["key"]))} == {
        "member": "node-301",
        "kind": "node",
        "key": 39,
    }
    assert dict(adopted.details) == {"members": len(BEFORE.members), "changes": 1}


def logged(party: Party) -> Sequence[str]:
    database = open_database(party)
    actions = [entry.to_event().action.value for entry in read_entries(database.connection)]
    database.close()
    return actions[::-1]


def test_the_log_has_it_before_the_register_is_used(member: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash in between leaves the last good register, and the entries once more when it is taken again."""
    publish_log_key(member)
    database, data = (
        open_database(member),
        write_register(msgspec.structs.replace(replace_member("node-301", revoked=True), version=6)),
    )

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("federation.state.write_file", crash)
        with pytest.raises(KeyboardInterrupt):
            adopt_and_record(member, database, data, NOW)
    assert member.register(NOW).version == 5
    assert logged(member) == ["member.revoked", "register.adopted"]
    assert adopt_and_record(member, database, data, NOW).version == 6
    assert logged(member) == ["member.revoked", "register.adopted"] * 2
    database.close()


def test_a_register_that_is_refused_leaves_no_entry(member: Party) -> None:
    database = open_database(member)
    for register in (make_register(version=4), make_register(version=6, expires_at=NOW), make_register()):
        try:
            adopt_and_record(member, database, write_register(register), NOW)
        except RegisterError:
            continue
    assert logged(member) == []
    database.close()
