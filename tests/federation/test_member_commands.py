"""`circe member` from the root's making to a revocation: what each command prints, and how slips end."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from audit.event import Action, AuditEvent, Outcome
from audit.log import read_entries
from audit.state import open_state_log
from federation.cli import run
from federation.database import open_database
from federation.hub_line import current_time
from federation.keys import load_keys
from federation.register import read_signed_register
from federation.state import DATABASE_FILE, load_root_key, open_party, publish_log_key
from tests.federation.cast import PASSKEY

Circe = Callable[..., SimpleNamespace]
QUERY = "Q-0123456789abcdef"
OFFICER = ("--id", "officer@la-301", "--kind", "approver", "--title", "Data officer", "--organisation", "la-301")
RESEARCHER = ("--id", "ana@ucl", "--kind", "researcher", "--title", "Ana", "--organisation", "ucl")
HUB = ("--id", "hub", "--kind", "hub", "--title", "The hub", "--organisation", "hub-operator")


@pytest.fixture
def circe(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Circe:
    """Run a command in which every word with a slash in front is a path of this test's own."""

    def place(word: str) -> str:
        is_short = word.startswith("/") and not word.startswith(str(tmp_path))
        return str(tmp_path / word[1:]) if is_short else word

    def call(*words: str) -> SimpleNamespace:
        code = run([place(word) for word in words])
        out, err = capfd.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return call


def succeed(found: SimpleNamespace) -> SimpleNamespace:
    assert found.code == 0, found.err
    return found


@pytest.fixture
def federation(circe: Circe, tmp_path: Path) -> Path:
    """A root, a hub, a node, an approver and a researcher, all enrolled, each with the register."""
    succeed(circe("member", "root", "--state", "/root", "--federation", "tests"))
    invite = ("member", "invite", "--root", "/root", "--into", "/invitations")
    succeed(circe(*invite, "--kind", "node", "--authority", "301"))
    for described, kind in ((OFFICER, "authority"), (RESEARCHER, "research"), (HUB, "hub_operator")):
        succeed(circe(*invite, *described, "--organisation-kind", kind))
    succeed(circe("node", "init", "--state", "/node-301", "--authority", "301"))
    succeed(circe("hub", "init", "--state", "/hub"))
    succeed(circe("member", "init", "--state", "/officer@la-301", *OFFICER, "--organisation-kind", "authority"))
    succeed(circe("member", "init", "--state", "/ana@ucl", *RESEARCHER, "--organisation-kind", "research"))
    members = ("node-301", "hub", "officer@la-301", "ana@ucl")
    requests = []
    for who in members:
        passkey = ("--passkey", PASSKEY.relying_party, PASSKEY.credential, PASSKEY.public_key)
        more = passkey if who == "officer@la-301" else ()
        joined = circe(*join(who), "--invitation", f"/invitations/invitation-{who}.json", *more)
        requests.append(succeed(joined).out.strip())
    enrol(circe, *requests)
    for who in members:
        succeed(circe(*join(who), "--register", "/register.json"))
    publish_log_key(open_party(tmp_path / "hub"))
    return tmp_path


def join(who: str) -> tuple[str, ...]:
    return ("member", "join", "--state", f"/{who}", "--hub", "https://hub.example", "--root-key", "/root/root.pub")


def enrol(circe: Circe, *requests: str) -> SimpleNamespace:
    return succeed(circe("member", "enrol", "--root", "/root", "--register", "/register.json", *requests))


def list_members(circe: Circe, *where: str) -> dict[str, dict[str, object]]:
    rows = json.loads(succeed(circe("member", "list", *where, "--format", "json")).out)
    return {row["id"]: row for row in rows}


def test_everyone_invited_is_enrolled_as_described(circe: Circe, federation: Path) -> None:
    rows = list_members(circe, "--state", "/ana@ucl")
    assert rows == list_members(circe, "--root", "/root")
    assert [
        (row["id"], row["kind"], row["organisation"], row["operator"], row["authorities"]) for row in rows.values()
    ] == [
        ("node-301", "node", "la-301", "la-301", "301"),
        ("hub", "hub", "hub-operator", "hub-operator", ""),
        ("officer@la-301", "approver", "la-301", "la-301", ""),
        ("ana@ucl", "researcher", "ucl", "ucl", ""),
    ]
    assert rows["node-301"]["title"] == "Barking and Dagenham"
    assert (rows["officer@la-301"]["passkeys"], rows["ana@ucl"]["passkeys"]) == (1, 0)
    table = circe("member", "list", "--state", "/ana@ucl")
    assert table.out.splitlines()[0].split() == list(rows["ana@ucl"])
    assert "register version 1, good until" in table.err
    assert circe("member", "list", "--state", "/ana@ucl", "--format", "csv").out.count("\n") == 5


def test_both_ends_are_told_the_passkey_to_compare(circe: Circe, federation: Path) -> None:
    """With where it signs: the same fingerprint of another host's would be of no use."""
    passkey = ("node.la-301.example:8401", PASSKEY.credential, PASSKEY.public_key)
    rotated = succeed(circe("member", "rotate", "--state", "/officer@la-301", "--passkey", *passkey))
    told = rotated.err.split("of your passkey at node.la-301.example:8401: ")[1].strip()
    assert f"passkey at node.la-301.example:8401: {told}" in enrol(circe, rotated.out.strip()).err


def test_both_ends_are_told_the_key_to_compare(circe: Circe, federation: Path) -> None:
    rotated = succeed(circe("member", "rotate", "--state", "/ana@ucl"))
    told = rotated.err.split("your new key: ")[1].strip()
    granted = enrol(circe, rotated.out.strip())
    assert f"ana@ucl is given other keys, key {told}" in granted.err
    assert list_members(circe, "--root", "/root")["ana@ucl"]["key"] == told


def test_a_rotation_comes_into_use_with_the_register(circe: Circe, federation: Path) -> None:
    before = load_keys(federation / "ana@ucl")
    enrol(circe, succeed(circe("member", "rotate", "--state", "/ana@ucl")).out.strip())
    assert load_keys(federation / "ana@ucl") == before
    succeed(circe(*join("ana@ucl"), "--register", "/register.json"))
    assert load_keys(federation / "ana@ucl").signing_seed != before.signing_seed


def test_a_revoked_member_is_told_of_and_turned_away(circe: Circe, federation: Path) -> None:
    done = succeed(circe("member", "revoke", "--root", "/root", "--register", "/register.json", "--id", "ana@ucl"))
    assert "ana@ucl is revoked, key" in done.err
    assert list_members(circe, "--root", "/root")["ana@ucl"]["standing"] == "revoked"
    key = load_root_key(federation / "root" / "root.pub")
    register = read_signed_register((federation / "register.json").read_bytes(), key)
    assert [member.id for member in register.members if member.revoked] == ["ana@ucl"]


def read_hub_log(federation: Path) -> list[tuple[str, str, object]]:
    """What the hub's log has of members and registers: the action, the reference and the member meant."""
    with closing(open_state_log(federation / "hub")) as connection:
        events = [entry.to_event() for entry in reversed(list(read_entries(connection)))]
    return [(each.action.value, each.reference, each.details.get("member")) for each in events]


def test_the_log_says_whose_keys_came_and_went_and_under_which_register(circe: Circe, federation: Path) -> None:
    """However the register came: the first by hand, the others by `hub adopt`. One that is there already is no news."""
    enrol(circe, succeed(circe("member", "rotate", "--state", "/officer@la-301")).out.strip())
    for _ in range(2):
        succeed(circe("hub", "adopt", "--state", "/hub", "/register.json"))
    succeed(circe("member", "revoke", "--root", "/root", "--register", "/register.json", "--id", "ana@ucl"))
    succeed(circe("hub", "adopt", "--state", "/hub", "/register.json"))
    members = ("node-301", "hub", "officer@la-301", "ana@ucl")
    assert read_hub_log(federation) == [
        ("party.initialised", "", None),
        *(("member.enrolled", "register-1", member) for member in members),
        ("register.adopted", "register-1", None),
        ("member.rotated", "register-2", "officer@la-301"),
        ("register.adopted", "register-2", None),
        ("member.revoked", "register-3", "ana@ucl"),
        ("register.adopted", "register-3", None),
    ]


def test_members_without_a_log_take_a_register_all_the_same(federation: Path) -> None:
    assert not (federation / "ana@ucl" / DATABASE_FILE).exists()


def record(federation: Path, *events: tuple[Action, str, str]) -> None:
    """Have the hub log events: what, who and about what."""
    party = open_party(federation / "hub")
    schema = federation / "schema.sql"
    schema.write_text("")
    database = open_database(party, schema)
    with database.transaction() as connection:
        for action, actor, reference in events:
            event = AuditEvent(at=current_time(), actor=actor, action=action, outcome=Outcome.DONE, reference=reference)
            database.log.append(connection, event)
    database.close()


def test_the_drill_lists_what_a_key_touched_and_signs_nothing(circe: Circe, federation: Path) -> None:
    record(
        federation,
        (Action.QUERY_SUBMITTED, "ana@ucl", QUERY),
        (Action.QUERY_APPROVED, "officer@la-301", QUERY),
        (Action.QUERY_SUBMITTED, "bob@lse", "Q-fedcba9876543210"),
    )
    before = (federation / "register.json").read_bytes()
    words = ("member", "revoke", "--drill", "--id", "ana@ucl", "--state", "/hub")
    done = succeed(circe(*words, "--format", "json"))
    assert [(row["action"], row["how"], row["log"]) for row in json.loads(done.out)] == [
        ("member.enrolled", "named", "hub"),
        ("query.submitted", "acted", "hub"),
        ("query.approved", "followed", "hub"),
    ]
    assert f"{QUERY} is on its way" in done.err
    assert succeed(circe(*words, "--root", "/root", "--format", "json")).out == done.out
    assert (federation / "register.json").read_bytes() == before


SLIPS: dict[str, tuple[tuple[str, ...], int, str]] = {
    "no such authority": (("invite", "--kind", "node", "--authority", "999"), 2, "999 is no authority's code"),
    "an authority's name": (("invite", "--kind", "node", "--authority", "Camden"), 2, "an authority is its code"),
    "a day that is none": (
        ("invite", "--kind", "node", "--authority", "302+303,2028-02-31"),
        2,
        "2028-02-31 is no day",
    ),
    "a node of nobody": (("invite", "--kind", "node"), 2, "give its code with --authority"),
    "a researcher of an authority": (("invite", *RESEARCHER, "--authority", "301"), 2, "serves no authority"),
    "one title for two nodes": (
        ("invite", "--kind", "node", "--authority", "302", "--authority", "303", "--title", "Both"),
        2,
        "each node's own",
    ),
    "half described": (("invite", "--kind", "approver", "--id", "x@y"), 2, "invited with --title, --organisation"),
    "an id in capitals": (
        ("invite", *RESEARCHER, "--organisation-kind", "research", "--id", "Ana@UCL"),
        2,
        "ids and organisations are",
    ),
    "a membership that is over": (
        ("invite", "--kind", "node", "--authority", "302", "--until", "2020-01-01"),
        8,
        "a membership ends in the future",
    ),
    "a membership without end": (
        ("invite", "--kind", "node", "--authority", "302", "--until", "2206-01-01"),
        8,
        "within three years",
    ),
    "a member already": (("invite", "--kind", "node", "--authority", "301"), 2, "is there already: hand it over"),
    "an analyst of a university": (
        ("invite", *RESEARCHER, "--organisation-kind", "research", "--kind", "dfe_analyst", "--id", "x@ucl"),
        8,
        "a dfe_analyst belongs to an organisation of kind department",
    ),
    "nobody of that name": (("revoke", "--register", "/register.json", "--id", "anna@ucl"), 8, "is no member"),
    "a drill without a log": (("revoke", "--drill", "--id", "ana@ucl"), 2, "give their directories with --state"),
    "a drill of nobody": (("revoke", "--drill", "--id", "anna@ucl", "--state", "/hub"), 8, "is in no register here"),
    "a drill where there is no log": (
        ("revoke", "--drill", "--id", "ana@ucl", "--state", "/ana@ucl"),
        2,
        "log.pub cannot be read",
    ),
    "logs for a revocation": (
        ("revoke", "--register", "/register.json", "--id", "ana@ucl", "--state", "/hub"),
        2,
        "that is for --drill",
    ),
    "nowhere to write to": (("revoke", "--id", "ana@ucl"), 2, "takes --root and --register"),
}


@pytest.mark.parametrize(("words", "code", "reason"), SLIPS.values(), ids=SLIPS)
def test_a_slip_ends_in_one_line_and_signs_nothing(
    circe: Circe, federation: Path, words: tuple[str, ...], code: int, reason: str
) -> None:
    before = (federation / "register.json").read_bytes(), sorted(path.name for path in (federation / "root").iterdir())
    command, *rest = words
    into = ("--into", "/invitations") if command == "invite" else ()
    done = circe("member", command, "--root", "/root", *into, *rest)
    assert (done.code, done.out) == (code, "")
    assert reason in done.err
    assert "Traceback" not in done.err
    after = (federation / "register.json").read_bytes(), sorted(path.name for path in (federation / "root").iterdir())
    assert after == before


def test_a_word_that_nobody_else_uses_is_pointed_out(circe: Circe, federation: Path) -> None:
    """A misspelt operator would be counted as another one, and a misspelt organisation approve as one."""
    invite = ("member", "invite", "--root", "/root", "--into", "/invitations")
    done = circe(*invite, "--kind", "node", "--authority", "302", "--operator", "consortuim")
    assert "look again: nobody else is of the organisation la-302" in done.err
    assert "look again: nobody else is run by consortuim" in done.err
    known = ("--id", "deputy@la-301", "--kind", "approver", "--title", "Deputy", "--organisation", "la-301")
    done = circe(*invite, *known, "--organisation-kind", "authority")
    assert "look again" not in succeed(done).err


def test_an_invitation_is_its_makers_alone(circe: Circe, federation: Path) -> None:
    for path in (federation / "invitations").iterdir():
        assert path.stat().st_mode & 0o077 == 0
    assert (federation / "invitations").stat().st_mode & 0o077 == 0


def test_open_invitations_are_listed_by_the_root(circe: Circe, federation: Path) -> None:
    succeed(circe("member", "invite", "--root", "/root", "--into", "/more", "--kind", "node", "--authority", "302"))
    rows = list_members(circe, "--root", "/root")
    assert str(rows["node-302"]["standing"]).startswith("invited, until ")
    assert "node-302" not in list_members(circe, "--state", "/hub")
