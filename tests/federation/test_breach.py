"""The breach drill: what a stolen key or account touched, what to do, and what a notice says and leaves open."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from audit.event import Action, AuditEvent, Outcome
from federation.breach import Reach, Span, Stolen, find_reach, find_stolen
from federation.breach_notice import NOTICE_WITHIN, Notifier, list_steps, write_notice
from federation.cli import circe, run
from federation.drill import Logged
from federation.enrolment import fingerprint
from federation.register import FormerKey
from federation.state import StateError
from tests.federation.cast import NOW, PASSKEY, make_member, make_register
from tests.node.lookups.test_one_child import child_placed_here
from tests.small_federation import SmallFederation

HOUR = timedelta(hours=1)
SPAN = Span(NOW, NOW + 5 * HOUR)
NOTIFIER = Notifier("Camden", "020 7000 0000")


def test_a_span_that_ends_before_it_begins_is_none() -> None:
    """It has no entries, which nobody is to take for nothing having been touched."""
    for until in (NOW, NOW - HOUR):
        with pytest.raises(StateError, match="ends before it begins"):
            Span(NOW, until)


def entry(hours: float, action: Action, actor: str = "vsh (virtual_school_head)", **members: object) -> Logged:
    event = AuditEvent(at=NOW + HOUR * hours, actor=actor, action=action, **members)  # type: ignore[arg-type]
    return Logged("node-202", int(hours * 100), event)


LOG = [
    entry(-1, Action.LOOKUP_RECEIVED, subject="a" * 32, fields=("upn",), reference="L-0"),
    entry(1, Action.LOOKUP_ASKED, reference="L-1"),
    entry(
        1.1,
        Action.LOOKUP_RECEIVED,
        subject="a" * 32,
        fields=("upn", "school"),
        reference="L-1",
        details={"home": "301"},
    ),
    entry(1.2, Action.LOOKUP_RECEIVED, subject="b" * 32, fields=("upn",), reference="L-1", details={"home": "301"}),
    entry(1.3, Action.LOOKUP_RECEIVED, subject="c" * 32, reference="L-1", outcome=Outcome.REFUSED),
    entry(1.4, Action.LOOKUP_DECIDED, "ig (ig_officer)", reference="L-1"),
    entry(1.5, Action.AUDIT_READ, "ig (ig_officer)", details={"searched.actor": "vsh"}),
    entry(2, Action.CHILDREN_LISTED, subject="a" * 32, details={"copied": True}),
    entry(2.5, Action.DELEGATION_GIVEN, subject="a" * 32, reference="D-1", details={"receiver": "316"}),
    entry(3, Action.LOOKUP_ASKED, "vshead (virtual_school_head)", reference="L-2"),
    entry(5, Action.SIGNIN),
]


def test_what_an_account_touched_is_found_to_the_hour() -> None:
    reach = find_reach(LOG, Stolen("the account of vsh", person="vsh"), SPAN)
    assert [(touch.entry, touch.how) for touch in reach.touched] == [
        (100, "acted"),
        (110, "acted"),
        (120, "acted"),
        (130, "acted"),
        (140, "followed"),
        (150, "named"),
        (200, "acted"),
        (250, "acted"),
    ]
    assert (reach.children, reach.copies) == (2, 1)
    assert reach.fields == ("school", "upn")
    assert reach.organisations == ("301", "316")
    assert dict(reach.acts)["lookup.received"] == 3
    assert [touch.entry for touch in reach.powers] == [250]


def test_who_is_called_the_same_elsewhere_is_somebody_else() -> None:
    """A host's log has the people of other authorities under the ids that they have there, and "vsh" is a usual one."""
    theirs = entry(4, Action.LOOKUP_ANSWERED, acting_for="301", reference="L-9", subject="d" * 32)
    ours = entry(4.25, Action.CHILDREN_LISTED, acting_for="202", subject="d" * 32)
    node = make_member("node-202")
    approved = entry(4.5, Action.QUERY_APPROVED, acting_for=node.organisation)
    signed_in = entry(4.75, Action.SIGNIN)
    register = make_register([node])
    stolen = find_stolen(register, person="vsh", at="node-202")
    assert stolen.acts_for == {"202", node.organisation}
    reach = find_reach([theirs, ours, approved, signed_in], Stolen("x", person="vsh", acts_for=stolen.acts_for), SPAN)
    assert [touch.entry for touch in reach.touched] == [425, 450, 475]
    assert (reach.children, reach.organisations) == (1, ("202", node.organisation))


def test_of_a_query_whoever_asked_signed_and_answered_is_concerned() -> None:
    """A hub's log names members alone: the register knows of which organisation each is; the hub's own is no other."""
    acts = {
        "researcher": Action.QUERY_DRAFTED,
        "approver-la": Action.QUERY_APPROVED,
        "hub": Action.QUERY_OFFERED,
        "node-202": Action.QUERY_ANSWERED,
        "node-203": Action.QUERY_REFUSED,
    }
    log = [
        Logged("hub", number, entry(number, action, actor, reference="Q-1").event)
        for number, (actor, action) in enumerate(acts.items(), start=0)
    ]
    log.append(Logged("hub", 9, entry(4, Action.QUERY_ANSWERED, "node-301", reference="Q-2").event))
    members = [msgspec.structs.replace(make_member(name), organisation=f"org-{name}") for name in (*acts, "node-301")]
    stolen = Stolen("x", next(each for each in members if each.id == "approver-la"))
    reach = find_reach(log, stolen, SPAN, members)
    assert reach.organisations == ("org-approver-la", "org-node-202", "org-node-203", "org-researcher")
    assert "each of whom is told: org-approver-la, org-node-202, org-node-203, org-researcher" in notice(reach)


def test_what_touched_nothing_is_said_so() -> None:
    reach = find_reach(LOG, Stolen("the account of nobody", person="nobody"), SPAN)
    assert reach == Reach((), (), 0, (), (), 0, ())


def test_a_key_is_found_whichever_of_a_members_it_is() -> None:
    register = make_register()
    member = register.members[0]
    former = FormerKey(signing_key=make_member("node-999").signing_key, last_version=3)
    changed = msgspec.structs.replace(member, former_keys=(former,), passkeys=(PASSKEY,))
    register = msgspec.structs.replace(register, members=(changed, *register.members[1:]))
    for key, name in {
        member.signing_key: "signing key",
        member.sealing_key: "sealing key",
        member.log_key: "log key",
        fingerprint(member.public_signing_key): "signing key",
        former.signing_key: "former signing key",
        PASSKEY.credential: "passkey",
    }.items():
        stolen = find_stolen(register, key=key)
        assert stolen.words.startswith(f"the {name} of {member.id}, ")
        assert stolen.member is not None
        assert stolen.member.id == member.id


@pytest.mark.parametrize(
    "named", [{}, {"member": "nobody"}, {"key": "AAAA"}, {"member": "hub", "person": "vsh"}, {"member": "", "key": ""}]
)
def test_what_is_nowhere_cannot_be_stolen(named: dict[str, str]) -> None:
    with pytest.raises(StateError):
        find_stolen(make_register(), **named)


@pytest.mark.parametrize(
    "stolen", [Stolen("x", person="vsh"), Stolen("x", make_member("node-301"))], ids=["person", "node"]
)
def test_the_steps_end_it_first_and_then_keep_the_evidence(stolen: Stolen) -> None:
    """Each is a command that there is."""
    commands = [command for _, command in list_steps(stolen, find_reach(LOG, stolen, SPAN))]
    assert any("revoke" in command or "--remove" in command for command in commands[:2])
    assert [command.split()[2] for command in commands[-3:]] == ["hold", "export", "verify"]
    for command in commands:
        words = command.split()
        if words[0] == "circe":
            group = circe.get_command(None, words[1])  # type: ignore[arg-type]
            assert group is not None
            assert words[2] in group.commands, command  # type: ignore[attr-defined]


def test_the_evidence_is_all_that_was_touched_in_each_log() -> None:
    """Of a node's key that is what names it, or was done for its authority: no hold on a person covers that."""
    elsewhere = Logged("node-316", 7, LOG[4].event)
    stolen = Stolen("x", person="vsh")
    reach = find_reach([*LOG, elsewhere], stolen, SPAN)
    holds = [command for _, command in list_steps(stolen, reach) if " hold place " in command]
    assert ["--first 100 --last 250" in holds[0], "--first 7 --last 7" in holds[1]] == [True, True]
    assert "--person vsh" in list_steps(stolen, find_reach([], stolen, SPAN))[-3][1]


def notice(reach: Reach, late: timedelta = timedelta(0)) -> str:
    stolen = Stolen("the account of vsh", person="vsh")
    return write_notice(reach, stolen, SPAN, NOTIFIER, aware_at=NOW, now=NOW + late)


def test_a_notice_has_what_article_33_asks_for_and_leaves_open_what_no_log_knows() -> None:
    text = notice(find_reach(LOG, Stolen("the account of vsh", person="vsh"), SPAN))
    for paragraph in ("33(3)(a)", "33(3)(b)", "33(3)(c)", "33(3)(d)", "33(4)", "Art. 34"):
        assert paragraph in text
    assert "about 2" in text
    assert "school, UPN" in text
    assert "301, 316" in text
    assert "1 copies were taken away" in text
    assert f": {Action.DELEGATION_GIVEN.meaning} [undone?]" in text
    assert not [action for action in Action if action in text], "what was done is told in words"
    assert "[name and telephone]" in text
    assert "likely to be a high risk" in text
    assert "a" * 32 not in text
    due = NOW + NOTICE_WITHIN
    assert f"{due.day} {due:%B %Y, %H:%M} UTC" in text
    assert "The 72 hours are over" not in text


def test_a_late_notice_asks_for_reasons() -> None:
    reach = find_reach(LOG, Stolen("x", person="nobody"), SPAN)
    assert "The 72 hours are over" in notice(reach, NOTICE_WITHIN + timedelta(seconds=1))
    assert "No entry shows that a child's record was told or changed" in notice(reach)


def test_the_command_verifies_first_lists_and_drafts(
    federation: SmallFederation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    child = child_placed_here(federation)
    node = federation.node("203")
    token = node.party.keys.log_token(f"301/{child['upn']}")
    node.record(
        node.event(
            Action.LOOKUP_RECEIVED, "vsh (virtual_school_head)", "L-1", subject=token, fields=("upn",), home="301"
        )
    )
    state, path = node.party.directory, tmp_path / "notice.txt"
    words = [
        "audit",
        "breach",
        "--state",
        str(state),
        "--person",
        "vsh",
        "--since",
        "2020-01-01",
        "--until",
        "2999-01-01",
    ]
    assert run([*words, "--format", "json", "--notice", str(path)]) == 0
    said = capsys.readouterr()
    assert '"lookup.received"' in said.out
    assert "circe node passkeys" in said.err
    assert "about 1" in path.read_text()
    today = f"{federation.clock.now:%Y-%m-%d}"
    assert run([*words[:6], "--since", today, "--until", today, "--format", "json"]) == 0
    assert '"lookup.received"' in capsys.readouterr().out  # A day at its end is in a span, as it is at the page.
    node.database.connection.execute("UPDATE audit_entries SET salt = ? WHERE idx = 0", (b"1" * 16,))
    assert run(words) == 7
