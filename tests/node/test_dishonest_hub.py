"""A dishonest hub against one node: whatever it hands on, the node refuses what was not approved exactly so.

Each test plays the hub: it alters, replays, widens or invents, and passes the result on. The node answers nothing, says
why in a signed refusal, and writes the refusal into its own log.
"""

from datetime import date, timedelta

import msgspec
import pytest

from audit.event import Action
from audit.log import read_entries
from disclosure_control.presets.shipped import load_preset
from federation.envelope import Envelope, Signature, read_envelope, verify_signature, write_envelope
from federation.manifest import MANIFEST_TYPE, REPLY_TYPE, Outcome, Reply, write_manifest
from federation.preset_terms import state_preset
from federation.project import DataItem
from federation.wire import whole_seconds
from node.answering import acknowledge, answer_manifest
from node.ingest.load import load_files
from node.service import Node
from node.unapproved import MOST_LOGGED
from query_engine.catalogue import load_catalogue
from query_engine.engines import EngineFailed
from tests.added_presets import STRICT, write_strict
from tests.own_policies import put_policy
from tests.projects import make_project
from tests.small_federation import QUESTION, SmallFederation, read_reply

AUTHORITY = "301"


def ask(federation: SmallFederation, envelope: bytes) -> Reply:
    """Hand an envelope to the node as the hub would and return its verified reply."""
    node = federation.node(AUTHORITY)
    data = answer_manifest(node, envelope)
    assert data is not None
    verify_signature(read_envelope(data, REPLY_TYPE), node.party.member_id, node.party.keys.public_signing_key)
    return read_reply(data)


def assert_refused(federation: SmallFederation, envelope: bytes, code: str) -> None:
    """The node refuses for the reason given, sends no table, and has it in its log."""
    reply = ask(federation, envelope)
    assert (reply.outcome, reply.code, reply.table) == (Outcome.REFUSED, code, None)
    logged = next(iter(read_entries(federation.node(AUTHORITY).database.connection, limit=1))).to_event()
    assert (logged.action, logged.details["code"]) == (Action.QUERY_REFUSED, code)


def ran(node: Node) -> int:
    """How many questions the node has answered."""
    return sum(1 for _ in read_entries(node.database.connection, action=Action.QUERY_ANSWERED))


def test_an_approved_query_is_answered(federation: SmallFederation) -> None:
    """The same path without any dishonesty ends in a protected table; otherwise the refusals below prove nothing."""
    reply = ask(federation, federation.sign(federation.manifest()))
    assert (reply.outcome, reply.code) == (Outcome.ANSWERED, "")
    assert reply.table is not None
    assert reply.snapshot == federation.node(AUTHORITY).store.current().id  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sql", QUESTION.replace("counted_here", "counted_here ")),
        ("purpose", "A question of the testS"),
        ("preset", "dfe_cla"),
        ("academic_year", "202324"),
        ("nonce", "0" * 64),
    ],
)
def test_an_altered_query_is_refused(federation: SmallFederation, field: str, value: str) -> None:
    """One byte of any field altered after approval, every signature kept."""
    manifest = federation.manifest()
    signed = read_envelope(federation.sign(manifest), MANIFEST_TYPE)
    altered = msgspec.structs.replace(manifest, **{field: value})
    assert altered != manifest
    envelope = msgspec.structs.replace(signed, payload=read_envelope(federation.sign(altered), MANIFEST_TYPE).payload)
    assert_refused(federation, write_envelope(envelope), "signature_invalid")


def test_every_single_altered_byte_is_refused(federation: SmallFederation) -> None:
    """Any byte of the manifest at all: it is refused, or is no manifest any more."""
    import base64

    node = federation.node(AUTHORITY)
    signed = read_envelope(federation.sign(federation.manifest()), MANIFEST_TYPE)
    for place in range(0, len(signed.body), 17):
        body = bytearray(signed.body)
        body[place] ^= 1
        envelope = msgspec.structs.replace(signed, payload=base64.b64encode(bytes(body)).decode())
        data = answer_manifest(node, write_envelope(envelope))
        assert data is None or read_reply(data).outcome is Outcome.REFUSED
    assert ran(node) == 0


def test_an_expired_query_is_refused(federation: SmallFederation) -> None:
    envelope = federation.sign(federation.manifest())
    federation.clock.move(timedelta(hours=1))
    assert_refused(federation, envelope, "expired")


def test_a_query_from_the_future_is_refused(federation: SmallFederation) -> None:
    """Clocks may be five minutes apart, and no more."""
    later = whole_seconds(federation.clock()) + timedelta(minutes=6)
    manifest = federation.manifest(issued_at=later, expires_at=later + timedelta(hours=1))
    assert_refused(federation, federation.sign(manifest), "not_yet_valid")


def test_a_query_good_for_too_long_is_refused(federation: SmallFederation) -> None:
    manifest = federation.manifest(expires_at=whole_seconds(federation.clock()) + timedelta(days=31))
    assert_refused(federation, federation.sign(manifest), "valid_too_long")


def test_a_replayed_query_is_refused(federation: SmallFederation) -> None:
    """Once the hub has acknowledged the reply, the same manifest is a replay; before that, the same bytes again."""
    node = federation.node(AUTHORITY)
    envelope = federation.sign(federation.manifest())
    first = answer_manifest(node, envelope)
    assert first is not None
    assert answer_manifest(node, envelope) == first
    acknowledge(node, first)
    assert_refused(federation, envelope, "replayed")
    assert ran(node) == 1


def test_a_reply_is_acknowledged_without_looking_through_all_others(federation: SmallFederation) -> None:
    """Lookups wait meanwhile, and a hub that hands out replays has each refusal acknowledged."""
    node = federation.node(AUTHORITY)
    first, made = answer_manifest(node, federation.sign(federation.manifest())), list[str]()
    assert first is not None
    connection = node.database.connection
    connection.set_trace_callback(made.append)
    acknowledge(node, first)
    connection.set_trace_callback(None)
    (update,) = (each for each in made if each.startswith("UPDATE manifests"))
    plan = [row["detail"] for row in connection.execute(f"EXPLAIN QUERY PLAN {update}")]
    assert [line.startswith("SEARCH") for line in plan] == [True]


def test_a_used_nonce_is_refused(federation: SmallFederation) -> None:
    """Two manifests with one nonce: the second is refused though everyone signed it."""
    first = federation.manifest()
    ask(federation, federation.sign(first))
    assert_refused(federation, federation.sign(federation.manifest(nonce=first.nonce)), "replayed")


@pytest.mark.parametrize(
    ("signers", "code"),
    [
        (("ana@ucl",), "approvals_missing"),
        (("ana@ucl", "officer@la-203"), "approvals_missing"),
        (("ana@ucl", "officer@la-203", "deputy@la-203"), "approvals_missing"),
        (("ana@ucl", "officer@dfe", "analyst@lse"), "approvals_missing"),
        (("ana@ucl", "officer@la-203", "ben@ucl"), "approved_by_own"),
        (("ana@ucl", "officer@la-203", "officer@dfe", "ben@ucl"), "approved_by_own"),
        (("ana@ucl", "officer@la-203", "ig@la-203", "officer@dfe"), "approver_unknown"),
        (("officer@la-203", "officer@dfe"), "signature_invalid"),
    ],
    ids=[
        "nobody",
        "one",
        "one organisation twice",
        "no authority",
        "asker's own",
        "asker's own as well",
        "no approver",
        "not asked",
    ],
)
def test_too_few_approvals_are_refused(federation: SmallFederation, signers: tuple[str, ...], code: str) -> None:
    """Two organisations, neither the asker's, one an authority, each by an approver, beside the asker's signature."""
    assert_refused(federation, federation.sign(federation.manifest(), signers), code)


def test_an_asker_who_may_not_ask_is_refused(federation: SmallFederation) -> None:
    """An approver asks a question, signed by everyone else: approving is not asking."""
    manifest = federation.manifest(asker="analyst@lse")
    assert_refused(
        federation, federation.sign(manifest, ("analyst@lse", "officer@la-203", "officer@dfe")), "asker_unknown"
    )


def test_an_unknown_key_is_refused(federation: SmallFederation) -> None:
    """The hub invents an approver with a key of its own."""
    from federation.keys import generate_keys

    invented = generate_keys("officer@la-999")
    signed = read_envelope(federation.sign(federation.manifest(), ("ana@ucl", "officer@dfe")), MANIFEST_TYPE)
    assert_refused(federation, _add(signed, invented.member_id, invented), "approver_unknown")


def test_a_known_name_with_another_key_is_refused(federation: SmallFederation) -> None:
    """The hub signs with its own key in the name of an officer who never read the query."""
    from federation.keys import generate_keys

    signed = read_envelope(federation.sign(federation.manifest(), ("ana@ucl", "officer@dfe")), MANIFEST_TYPE)
    assert_refused(federation, _add(signed, "officer@la-203", generate_keys("officer@la-203")), "signature_invalid")


def _add(envelope: Envelope, name: str, keys: object) -> bytes:
    from federation.envelope import sign_body

    signature = sign_body(envelope.body, MANIFEST_TYPE, keys)  # type: ignore[arg-type]
    forged = Signature(keyid=name, sig=signature.sig)
    return write_envelope(msgspec.structs.replace(envelope, signatures=(*envelope.signatures, forged)))


def test_a_roster_without_this_node_is_refused(federation: SmallFederation) -> None:
    """A node answers only where it was named, so that the hub cannot collect more than was approved."""
    manifest = federation.manifest(roster=("node-203", "node-316", "node-317"))
    assert_refused(federation, federation.sign(manifest), "not_in_roster")


def test_a_small_roster_is_refused(federation: SmallFederation) -> None:
    manifest = federation.manifest(roster=("node-203", "node-301"))
    assert_refused(federation, federation.sign(manifest), "roster_small")


def test_a_roster_with_a_stranger_is_refused(federation: SmallFederation) -> None:
    manifest = federation.manifest(roster=(*federation.roster, "node-999"))
    assert_refused(federation, federation.sign(manifest), "roster_unknown")


def test_a_plan_that_differs_is_refused(federation: SmallFederation) -> None:
    """Everyone signed a plan that is not the plan of the SQL beside it: the node derives its own."""
    other = federation.manifest("SELECT COUNT(*) AS n FROM child_year WHERE academic_year = 202425")
    manifest = federation.manifest(plan_id=other.plan_id)
    assert_refused(federation, federation.sign(manifest), "plan_differs")


@pytest.mark.parametrize("stated", ["planner_version", "catalogue_version"])
def test_a_plan_of_another_version_is_refused(federation: SmallFederation, stated: str) -> None:
    """Between two versions that plan alike this node answers; it never takes another's plan for its own."""
    manifest = msgspec.structs.replace(federation.manifest(), **{stated: "of-another-version"})
    assert_refused(federation, federation.sign(manifest), "plan_differs")


@pytest.mark.parametrize(
    "years",
    ["academic_year = 202324", "academic_year IN (202324, 202425)", "counted_here"],
    ids=["other", "two", "all"],
)
def test_a_question_about_another_year_than_stated_is_refused(federation: SmallFederation, years: str) -> None:
    """The year that approvers read is the year that the filter keeps, and the only one."""
    manifest = federation.manifest(QUESTION.replace("academic_year = 202425", years))
    assert_refused(federation, federation.sign(manifest), "year_differs")


def test_a_column_for_authorities_is_not_told_to_others(federation: SmallFederation) -> None:
    """A researcher's question about a plan column, approved by everyone, is refused by the node."""
    columns = load_catalogue().table("child_year").columns.values()
    column = next(column for column in columns if column.audience == "authority" and column.role == "dimension")
    sql = f"SELECT {column.name}, COUNT(*) AS n FROM child_year WHERE academic_year = 202425 GROUP BY {column.name}"
    assert_refused(federation, federation.sign(federation.manifest(sql)), "audience")


def test_sql_outside_the_language_is_refused(federation: SmallFederation) -> None:
    """Approved or not, what is no query of the language is never run."""
    manifest = msgspec.structs.replace(federation.manifest(), sql="SELECT child FROM child_year")
    assert_refused(federation, federation.sign(manifest), "key_misused")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('tables = ["child_year", "pupil_year"]', 'tables = ["pupil_year"]', "table_barred"),
        ("barred_columns = []", 'barred_columns = ["sen_provision"]', "column_barred"),
        ('presets = ["opensafely"]', 'presets = ["ukllc"]', "preset_barred"),
        ('paths = ["per_authority", ', "paths = [", "path_barred"),
        ("smallest_roster = 3", "smallest_roster = 5", "roster_small"),
        ("questions_per_year = 50", "questions_per_year = 0", "history_full"),
        ('floor = "ofqual"', 'floor = "acro"', "preset_barred"),
        ('floor = "ofqual"', 'floor = "no_such_preset"', "preset_barred"),
    ],
    ids=["table", "column", "preset", "path", "roster", "history", "floor", "unknown floor"],
)
def test_what_the_nodes_own_rules_bar_is_refused(federation: SmallFederation, old: str, new: str, code: str) -> None:
    """The authority edits its own rules; a query that everyone else approved is refused all the same."""
    federation.change_rule(AUTHORITY, old, new)
    assert_refused(federation, federation.sign(federation.manifest()), code)


def test_a_preset_that_is_looser_than_the_floor_is_refused(federation: SmallFederation) -> None:
    """Whatever the list says: dfe_cla prints exact counts, and the floor rounds to 5."""
    federation.change_rule(AUTHORITY, 'presets = ["opensafely"]', 'presets = ["opensafely", "dfe_cla"]')
    loose = federation.manifest(**state_preset(load_preset("dfe_cla")))
    assert_refused(federation, federation.sign(loose), "preset_barred")
    federation.change_rule(AUTHORITY, 'floor = "ofqual"', 'floor = "dfe_cla"')
    exact = federation.manifest(**state_preset(load_preset("dfe_cla")))
    assert ask(federation, federation.sign(exact)).outcome is Outcome.ANSWERED


def test_a_stricter_preset_of_the_federation_protects(federation: SmallFederation) -> None:
    """Its file stands at the node; other rules under its version are refused, and one grown looser is none."""
    directory = federation.directory / f"node-{AUTHORITY}"
    write_strict(directory)
    stated = state_preset(federation.node(AUTHORITY).party.presets.load(STRICT))
    federation.change_rule(AUTHORITY, 'presets = ["opensafely"]', f'presets = ["{STRICT}"]')
    reply = ask(federation, federation.sign(federation.manifest(**stated)))
    assert reply.outcome is Outcome.ANSWERED
    assert reply.table is not None
    assert (reply.table["preset"], reply.table["preset_version"]) == (STRICT, stated["preset_version"])
    write_strict(directory, 11)
    again = federation.manifest(**stated)
    assert_refused(federation, federation.sign(again), "preset_changed")
    write_strict(directory, 7)
    loose = federation.manifest(**stated)
    assert_refused(federation, federation.sign(loose), "preset_barred")


def test_an_authority_can_have_a_floor_of_its_own(federation: SmallFederation) -> None:
    """What everybody else is content with is too loose here."""
    write_strict(federation.directory / f"node-{AUTHORITY}")
    federation.change_rule(AUTHORITY, 'floor = "ofqual"', f'floor = "{STRICT}"')
    assert_refused(federation, federation.sign(federation.manifest()), "preset_barred")


def test_what_the_nodes_own_policy_bars_is_refused(federation: SmallFederation) -> None:
    """The authority's own access matrix gives researchers nothing."""
    from policies.access_policy import MATRIX

    lines = [
        line for line in MATRIX.read_text().splitlines() if not line.startswith("p, researcher,") or "deny" in line
    ]
    put_policy(federation.directory / f"node-{AUTHORITY}", "\n".join(lines) + "\n")
    assert_refused(federation, federation.sign(federation.manifest()), "policy_denied")


def test_one_question_is_not_answered_under_two_protections(federation: SmallFederation) -> None:
    """Two roundings of one count tell more than either."""
    federation.change_rule(AUTHORITY, 'presets = ["opensafely"]', 'presets = ["opensafely", "ons_10_5"]')
    ask(federation, federation.sign(federation.manifest()))
    other = federation.manifest(**state_preset(load_preset("ons_10_5")))
    assert_refused(federation, federation.sign(other), "protection_changed")


def test_a_new_load_does_not_begin_the_history_anew(federation: SmallFederation) -> None:
    """One row fewer makes another snapshot, and the same allowance."""
    federation.change_rule(AUTHORITY, "questions_per_year = 50", "questions_per_year = 1")
    ask(federation, federation.sign(federation.manifest()))
    files = federation.directory / "england" / AUTHORITY
    header = files / "ssda903" / "header.csv"
    header.write_text("\n".join(header.read_text().splitlines()[:-1]) + "\n")
    node = federation.node(AUTHORITY)
    before = node.store.current()
    load_files([files], store=node.store, authority=AUTHORITY, token_key=node.party.keys.row_secret)
    assert node.store.current() != before
    other = "SELECT COUNT(*) AS n FROM child_year WHERE academic_year = 202425"
    assert_refused(federation, federation.sign(federation.manifest(other)), "history_full")


def test_a_failed_run_is_a_final_refusal_without_a_reason(
    federation: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What went wrong in the engine depends on data, so nobody outside hears it, and the question is not run again."""
    import node.answering

    def fail(*_: object) -> None:
        raise EngineFailed("a value of this very child")

    envelope = federation.sign(federation.manifest())
    with monkeypatch.context() as patched:
        patched.setattr(node.answering, "open_engine", fail)
        first = answer_manifest(federation.node(AUTHORITY), envelope)
    assert first is not None
    assert read_reply(first).code == "not_run"
    assert "child" not in read_reply(first).text
    assert answer_manifest(federation.node(AUTHORITY), envelope) == first


def test_what_nobody_approved_cannot_fill_the_log(federation: SmallFederation) -> None:
    """Deliveries that carry no approval are counted, and only the first of an hour are written out."""
    node = federation.node(AUTHORITY)
    for number in range(60):
        answer_manifest(node, b"rubbish %d" % number)
    logged = sum(1 for _ in read_entries(node.database.connection, action=Action.QUERY_REFUSED))
    assert logged == MOST_LOGGED < 60
    federation.clock.move(timedelta(hours=1))
    answer_manifest(node, b"rubbish")
    assert sum(1 for _ in read_entries(node.database.connection, action=Action.QUERY_REFUSED)) == logged + 1


@pytest.mark.parametrize("is_answered", [True, False], ids=["replayed", "refused"])
def test_what_came_before_cannot_fill_the_log(federation: SmallFederation, *, is_answered: bool) -> None:
    """An approved query that was answered or refused is refused however often it is handed out, and logged a while."""
    node = federation.node(AUTHORITY)
    roster = federation.roster if is_answered else ("node-203", "node-316")
    envelope = federation.sign(federation.manifest(roster=roster))
    first = answer_manifest(node, envelope)
    assert first is not None
    acknowledge(node, first)
    for _ in range(MOST_LOGGED + 10):
        again = answer_manifest(node, envelope)
        assert again is not None
        assert read_reply(again).code == ("replayed" if is_answered else "not_in_roster")
    logged = sum(1 for _ in read_entries(node.database.connection, action=Action.QUERY_REFUSED))
    assert logged == MOST_LOGGED + (not is_answered)


def test_an_old_register_is_not_enough(federation: SmallFederation) -> None:
    """A manifest that asks for a newer register than the node has waits until the node has it."""
    assert_refused(federation, federation.sign(federation.manifest(minimum_register_version=2)), "register_old")


def test_a_node_with_an_expired_register_answers_nothing(federation: SmallFederation) -> None:
    """After thirty days without a fresh register a node no longer knows whom to trust."""
    federation.clock.move(timedelta(days=31))
    assert_refused(federation, federation.sign(federation.manifest()), "register_invalid")


def test_bytes_that_are_no_manifest_are_logged_and_not_answered(federation: SmallFederation) -> None:
    node = federation.node(AUTHORITY)
    for data in (b"", b"{}", b"\xff\xfe", write_manifest(federation.manifest())):
        assert answer_manifest(node, data) is None
    logged = [entry.to_event() for entry in read_entries(node.database.connection, action=Action.QUERY_REFUSED)]
    assert [event.details["code"] for event in logged] == ["malformed_manifest"] * 4


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"askers": ("rae@la-316",)}, "not_in_project"),
        ({"ends": date(2026, 1, 1), "review": date(2026, 1, 1)}, "project_over"),
        ({"presets": ("dfe_cla",)}, "preset_not_in_project"),
        ({"data_items": (DataItem(table="child_year", columns=("academic_year",)),)}, "beyond_data_items"),
    ],
    ids=["by a stranger to it", "after its end", "under another preset", "of what was not agreed"],
)
def test_a_question_beyond_its_project_is_refused(
    federation: SmallFederation, changes: dict[str, object], code: str
) -> None:
    """Signed by everybody, the project with it; the node holds the one to the other."""
    project = make_project(**{"askers": ("ana@ucl",), "presets": ("opensafely",), **changes})  # type: ignore[arg-type]
    assert_refused(federation, federation.sign(federation.manifest(project=project)), code)


def test_a_project_that_contradicts_itself_is_no_project(federation: SmallFederation) -> None:
    twice = make_project(askers=("ana@ucl", "ana@ucl"))
    assert answer_manifest(federation.node(AUTHORITY), federation.sign(federation.manifest(project=twice))) is None
