"""Children of our schools who are not in care: shown as our policy has it, apart from those in care, or to nobody."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.event import Action, Outcome
from audit.log import read_entries
from federation.cli import run
from federation.lookups import ChildSought
from federation.state import StateError
from node.disclosures.numbers import check_one_child, complete_numbers
from node.lookups import area_children
from node.lookups.area_children import (
    AREA_CHILDREN,
    FIELDS,
    LISTINGS,
    NOT_MADE,
    find_area_child,
    list_area_children,
    read_area_children,
)
from node.lookups.child_sight import list_sights, list_untold
from node.lookups.own_children import list_own_children
from node.service import Node
from node.setting_up import enter_person
from node.snapshots import Snapshot
from node.tracking.children import find_children
from node.tracking.newcomers import Newcomer, enter_newcomer, take_off
from policies.access_policy import AccessDenied, AccessPolicy
from policies.area_duties import tell_area_duties
from policies.linter import PolicyInvalid
from policies.names import BY_AREA, CHILD_RECORD, CareStatus, FieldGroup, Relation, Role
from policies.names import Action as PolicyAction
from policies.sight import Asker, StandingOf, who_could_see
from tests.own_policies import drop_policy, put_policy
from tests.small_federation import SmallFederation, copy_federation
from tests.switched_on import HEADS, open_lines, switch_on

HERE, WHY = "203", "Advice to schools"
RELATIONS = pytest.mark.parametrize("relation", BY_AREA)


@pytest.fixture(scope="module")
def node(pristine_london: SmallFederation, tmp_path_factory: pytest.TempPathFactory) -> Node:
    """A node with the rolls of its schools, a census of children in need and a list of kinship care."""
    federation = copy_federation(pristine_london, tmp_path_factory.mktemp("area") / "london")
    enter_person(federation.directory / f"node-{HERE}", "staff", Role.VIRTUAL_SCHOOL_STAFF, "Staff")
    return federation.node(HERE)


@pytest.fixture(autouse=True)
def packaged(node: Node) -> Iterator[None]:
    """Whatever a test switches on is switched off after it."""
    yield
    drop_policy(node.party.directory)


def current(node: Node) -> Snapshot:
    snapshot = node.store.current()
    assert snapshot is not None
    return snapshot


def vault_rows(node: Node, where: str = "true") -> list[dict[str, Any]]:
    """The rows of the identified table, read without any of our code."""
    found = duckdb.read_parquet(str(current(node).identified[AREA_CHILDREN])).filter(where)
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def listed(node: Node) -> list[Any]:
    entries = read_entries(node.database.connection, action=Action.CHILDREN_LISTED)
    return [entry.to_event() for entry in entries]


def test_every_status_has_children_of_our_schools(node: Node) -> None:
    """Of whom most are found on our rolls: else nothing here would show anything."""
    counts = Counter(row["care_status"] for row in vault_rows(node, f"host_authority = '{HERE}'"))
    assert set(counts) == set(BY_AREA.values())
    assert min(counts.values()) >= 2


@RELATIONS
def test_as_packaged_nobody_sees_a_record_of_theirs(node: Node, relation: Relation) -> None:
    """Every status is switched off: list and search are refused, and logged."""
    for person in ("vsh", "staff", "admin"):
        with pytest.raises(AccessDenied):
            list_area_children(node, person, WHY, relation)
        with pytest.raises(AccessDenied):
            find_area_child(node, person, WHY, relation, ChildSought(la_child_id="9000000"))
    assert {event.outcome for event in listed(node)[-6:]} == {Outcome.REFUSED}


@RELATIONS
def test_one_status_is_switched_on_and_no_other(node: Node, relation: Relation) -> None:
    put_policy(node.party.directory, switch_on([relation]))
    expected = vault_rows(node, f"host_authority = '{HERE}' AND care_status = '{BY_AREA[relation]}'")
    found = list_area_children(node, "vsh", WHY, relation)
    by_name = [dict(zip(FIELDS, row, strict=True)) for row in found.rows]
    assert {row["number"] for row in by_name} == {row["upn"] or row["la_child_id"] for row in expected}
    assert {row["status"] for row in by_name} == {BY_AREA[relation]}
    assert {row["school"] for row in by_name} == {row["school_urn"] and str(row["school_urn"]) for row in expected}
    for other in set(BY_AREA) - {relation}:
        with pytest.raises(AccessDenied):
            list_area_children(node, "vsh", WHY, other)
    with pytest.raises(AccessDenied):
        list_area_children(node, "staff", WHY, relation)


def test_each_child_shown_is_in_the_log_with_the_relation(node: Node) -> None:
    put_policy(node.party.directory, switch_on())
    before = len(listed(node))
    found = list_area_children(node, "vsh", WHY, Relation.IN_NEED_HERE)
    keys = node.party.keys
    tokens = {row["child"] for row in vault_rows(node, f"host_authority = '{HERE}' AND care_status = 'child_in_need'")}
    new = listed(node)[: len(listed(node)) - before]
    assert {event.subject for event in new if event.subject} == {keys.log_token(token) for token in tokens}
    assert len(found.rows) == len(tokens)
    assert {(event.relationship, event.details["listing"]) for event in new} == {("in_need_here", "child_in_need")}


def test_a_search_finds_by_number_and_by_name_among_its_own_status_alone(node: Node) -> None:
    put_policy(node.party.directory, switch_on())
    first = list_area_children(node, "vsh", WHY, Relation.IN_NEED_HERE).rows[0]
    child = dict(zip(FIELDS, first, strict=True))
    assert child["name"]
    forename, _, surname = child["name"].partition(" ")
    ways = (
        ChildSought(upn=child["number"]),
        ChildSought(la_child_id=child["la_child_id"]),
        ChildSought(forename=forename, surname=surname, date_of_birth=date.fromisoformat(child["date_of_birth"])),
    )
    others = {row["upn"] for row in vault_rows(node, "care_status <> 'child_in_need'") if row["upn"] is not None}
    for sought in ways:
        assert find_area_child(node, "vsh", WHY, Relation.IN_NEED_HERE, sought).rows == (first,)
    if child["number"] not in others:
        assert find_area_child(node, "vsh", WHY, Relation.KINSHIP_HERE, ways[0]).rows == ()
    assert listed(node)[0].details["listing"].startswith("one_")


def test_a_child_at_school_in_another_area_is_not_ours_to_read(node: Node, tmp_path: Path) -> None:
    """Whoever knows of the need: the duty goes with the school."""
    policy = AccessPolicy.parse(switch_on().encode(), "policy.csv")
    moved, snapshot = tmp_path / "moved.parquet", current(node)
    duckdb.sql(
        f"COPY (SELECT * REPLACE ('204' AS host_authority) FROM '{snapshot.identified[AREA_CHILDREN]}') TO '{moved}'"
    )
    elsewhere = Snapshot(
        **{
            **{name: getattr(snapshot, name) for name in Snapshot.__slots__},
            "identified": {**snapshot.identified, AREA_CHILDREN: moved},
        }
    )
    ours, theirs = (policy.row_filter(Role.VIRTUAL_SCHOOL_HEAD, PolicyAction.READ, code) for code in (HERE, "204"))
    assert read_area_children(node, elsewhere, ours) == []
    assert len(read_area_children(node, elsewhere, theirs)) == len(vault_rows(node))


def amended(node: Node, path: Path, replaced: str) -> Snapshot:
    """The snapshot in use with some columns of these children replaced, by SQL."""
    snapshot = current(node)
    duckdb.sql(f"COPY (SELECT * REPLACE ({replaced}) FROM '{snapshot.identified[AREA_CHILDREN]}') TO '{path}'")
    fields = {name: getattr(snapshot, name) for name in Snapshot.__slots__}
    return Snapshot(**{**fields, "identified": {**snapshot.identified, AREA_CHILDREN: path}})


def test_a_status_ends_on_its_day_whether_or_not_anything_is_loaded_then(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last day counts; the day after, neither the list has the child nor the simulator."""
    put_policy(node.party.directory, switch_on())
    today = node.clock().date()
    child = next(row for row in vault_rows(node, f"care_status = 'kinship' AND host_authority = '{HERE}'"))
    for last, shown in ((today, True), (today - timedelta(days=1), False)):
        snapshot = amended(node, tmp_path / f"{last}.parquet", f"DATE '{last}' AS until")
        monkeypatch.setattr(node.store, "current", lambda snapshot=snapshot: snapshot)
        assert bool(list_area_children(node, "vsh", WHY, Relation.KINSHIP_HERE).rows) is shown
        sights = list_sights(node, child["upn"], Role.VIRTUAL_SCHOOL_HEAD)
        assert (Relation.KINSHIP_HERE in {sight.relation for sight in sights}) is shown


@pytest.mark.parametrize("by", ["upn", "la_child_id"])
def test_who_was_entered_as_new_in_our_care_is_in_no_list_of_those_who_are_not(node: Node, by: str) -> None:
    """Before the next load says so too; the simulator tells of a child in our care."""
    put_policy(node.party.directory, switch_on())
    listed_now = list_area_children(node, "vsh", WHY, Relation.IN_NEED_HERE).rows
    child = next(dict(zip(FIELDS, row, strict=True)) for row in listed_now)
    number, upn = ("new-1", child["number"]) if by == "upn" else (child["la_child_id"], None)
    born = date.fromisoformat(child["date_of_birth"])
    newcomer = Newcomer(number=number, date_of_birth=born, care_start=node.clock().date(), upn=upn)
    vsh = node.find_person("vsh")
    token = enter_newcomer(node, vsh, newcomer, "Came into care today")
    try:
        after = list_area_children(node, "vsh", WHY, Relation.IN_NEED_HERE).rows
        assert {row[0] for row in listed_now} - {row[0] for row in after} == {child["number"]}
        sights = list_sights(node, upn or number, Role.VIRTUAL_SCHOOL_HEAD)
        assert "home" in {sight.relation for sight in sights}
        assert not set(BY_AREA) & {sight.relation for sight in sights}
    finally:
        take_off(node, vsh, token, "Entered by mistake")


# --- Filter and row-by-row decision -----------------------------------------------------------------------------------

LINES = [open_lines(role, relation, [group]) for role in HEADS for relation in BY_AREA for group in CHILD_RECORD] + [
    "p, virtual_school_head, home, read, identity, allow\n",
    "p, *, in_need_here, *, care, deny\n",
]


@settings(max_examples=10, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.sampled_from(LINES), min_size=1, max_size=10, unique=True),
    role=st.sampled_from(HEADS),
    authority=st.sampled_from([HERE, "204"]),
)
def test_the_rows_read_are_those_decided_one_by_one(node: Node, lines: list[str], role: Role, authority: str) -> None:
    """For random policies, over the rows of a loaded snapshot: the same children, and of each the same fields."""
    rules = dict.fromkeys(line for text in lines for line in text.splitlines())
    policy = AccessPolicy.parse("\n".join(rules).encode(), "policy.csv")
    asker = Asker("somebody", role, authority)
    decided: Counter[tuple[str, frozenset[str]]] = Counter()
    for row in vault_rows(node):
        child = StandingOf(row["child"], None, row["host_authority"], row["school_urn"], CareStatus(row["care_status"]))
        sights = [sight for sight in who_could_see(policy, child, [asker]) if sight.action is PolicyAction.READ]
        groups = {group for sight in sights for group in sight.field_groups}
        if groups:
            decided[row["child"], frozenset(groups & {group for group, _ in FIELDS.values()})] += 1
    assert read_groups(node, policy, role, authority) == decided


def read_groups(node: Node, policy: AccessPolicy, role: Role, authority: str) -> Counter[tuple[str, frozenset[str]]]:
    """What the engine gives: each row by the groups that its fields show, of columns that are true where permitted."""
    try:
        rule = policy.row_filter(role, PolicyAction.READ, authority)
    except AccessDenied:
        return Counter()
    groups = sorted({group for group, _ in FIELDS.values()})
    with pytest.MonkeyPatch.context() as patched:
        shown = {"school": (FieldGroup.EDUCATION, "NULL"), **{f"in_{group}": (group, "true") for group in groups}}
        patched.setattr(area_children, "FIELDS", shown)
        rows = read_area_children(node, current(node), rule)
    return Counter(
        (token, frozenset(group for group, granted in zip(groups, granted, strict=True) if granted))
        for token, (_, *granted) in rows
    )


# --- Never among the children in care ---------------------------------------------------------------------------------


def test_no_list_caseload_or_figure_of_children_in_care_has_them(node: Node) -> None:
    """Whatever is switched on, the lists of children in care are what they were."""
    snapshot, person = current(node), node.find_person("vsh")
    before = list_own_children(node, snapshot, person.role).rows, find_children(node, snapshot, person)
    put_policy(node.party.directory, switch_on(groups=CHILD_RECORD))
    after = list_own_children(node, snapshot, person.role).rows, find_children(node, snapshot, person)
    assert after == before
    outside = {row["upn"] for row in vault_rows(node)} - {None}
    assert not outside & {row[2] for row in before[0]}
    assert not outside & {child.upn for child in before[1]}


@pytest.mark.parametrize("action", ["update", "export"])
@RELATIONS
def test_no_authority_can_permit_a_change_or_a_copy(node: Node, relation: Relation, action: str) -> None:
    line = f"p, virtual_school_head, {relation}, {action}, education, allow\n"
    with pytest.raises(PolicyInvalid, match="only the home authority"):
        AccessPolicy.parse((switch_on() + line).encode(), "policy.csv")


@pytest.mark.parametrize("role", sorted(set(Role) - set(HEADS)))
def test_no_other_role_can_be_given_a_record_of_theirs(role: Role) -> None:
    """Whatever an authority writes into its own file."""
    for relation in BY_AREA:
        for group in CHILD_RECORD:
            with pytest.raises(PolicyInvalid):
                AccessPolicy.parse((switch_on() + open_lines(role, relation, [group])).encode(), "policy.csv")


# --- The command ------------------------------------------------------------------------------------------------------


def lookup(node: Node, *arguments: str) -> int:
    state = str(node.party.directory)
    return run(["lookup", "--state", state, "--as", "vsh", "--purpose", WHY, "--area", *arguments])


def test_the_command_lists_them_and_takes_no_copy(node: Node, capfd: pytest.CaptureFixture[str]) -> None:
    assert lookup(node, "kinship") == 8
    assert capfd.readouterr().out == ""
    put_policy(node.party.directory, switch_on())
    assert lookup(node, "kinship") == 0
    told = capfd.readouterr()
    expected = vault_rows(node, f"care_status = 'kinship' AND host_authority = '{HERE}'")
    assert [row["upn"] in told.out for row in expected] == [True] * len(expected)
    assert f"children, from snapshot {current(node).id}" in told.err
    for form in ("csv", "json"):
        assert lookup(node, "kinship", "--format", form) == 8
        assert capfd.readouterr().out == ""


def test_the_command_finds_one_of_them(node: Node, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    put_policy(node.party.directory, switch_on())
    child = next(row for row in vault_rows(node, "care_status = 'kinship'") if row["upn"])
    whom = tmp_path / "whom.txt"
    whom.write_text(f"upn: {child['upn']}\n")
    assert lookup(node, "kinship", "--child", str(whom)) == 0
    assert child["upn"] in capfd.readouterr().out
    whom.write_text("upn: A823456789012\n")
    assert lookup(node, "kinship", "--child", str(whom)) == 0
    assert "nobody like that" in capfd.readouterr().err
    assert lookup(node, "kinship", "--child", str(whom), "--at", "301") == 2
    assert "no other authority" in capfd.readouterr().err


def test_a_snapshot_of_before_says_what_to_do(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    put_policy(node.party.directory, switch_on())
    monkeypatch.setattr(area_children, "AREA_CHILDREN", "what_is_not_there")
    with pytest.raises(StateError, match=NOT_MADE.partition(":")[0]):
        list_area_children(node, "vsh", WHY, Relation.KINSHIP_HERE)


# --- Who could see, and what a policy has switched on -----------------------------------------------------------------


def test_the_simulator_answers_for_whoever_is_not_in_care(node: Node) -> None:
    """Nobody as packaged; with a status switched on, whoever it is switched on for, and why."""
    child = next(row for row in vault_rows(node, f"care_status = 'child_in_need' AND host_authority = '{HERE}'"))
    assert list_sights(node, child["upn"], Role.VIRTUAL_SCHOOL_HEAD) == ()
    put_policy(node.party.directory, switch_on([Relation.IN_NEED_HERE], roles=HEADS))
    sights = list_sights(node, child["upn"], Role.VIRTUAL_SCHOOL_HEAD)
    assert {(sight.asker.name, sight.relation) for sight in sights} == {
        ("vsh", "in_need_here"),
        ("staff", "in_need_here"),
    }
    assert {sight.reason for sight in sights} == {"children in need who are educated in the asker's authority"}


def test_whoever_may_not_read_a_status_is_not_told_it_by_the_simulator(node: Node) -> None:
    """That somebody could see a child as one in need says that the child is in need."""
    child = next(row for row in vault_rows(node, f"care_status = 'child_in_need' AND host_authority = '{HERE}'"))
    put_policy(node.party.directory, switch_on([Relation.IN_NEED_HERE]))
    assert list_sights(node, child["upn"], Role.VIRTUAL_SCHOOL_STAFF) == ()
    assert list_untold(node, Role.VIRTUAL_SCHOOL_STAFF) == (Relation.IN_NEED_HERE,)
    assert list_untold(node, Role.VIRTUAL_SCHOOL_HEAD) == ()


def test_a_number_that_social_care_alone_knows_is_nobodys_to_whoever_may_not_read_the_status(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That we know a number at all, of no child in care and no pupil of ours, would say what for."""
    moved = "'204' AS host_authority, 'Z999999999999' AS upn"
    snapshot = amended(node, tmp_path / "moved.parquet", moved)
    child = next(row for row in vault_rows(node, f"care_status = 'child_in_need' AND host_authority = '{HERE}'"))
    put_policy(node.party.directory, switch_on([Relation.KINSHIP_HERE]))
    refusals = []
    for number in (child["la_child_id"], "nobody's"):
        with pytest.raises(StateError) as refused:
            list_sights(node, number, Role.VIRTUAL_SCHOOL_HEAD)
        refusals.append(str(refused.value))
    assert refusals[0] == refusals[1]
    put_policy(node.party.directory, switch_on())
    monkeypatch.setattr(node.store, "current", lambda: snapshot)
    for number in ("Z999999999999", child["la_child_id"]):
        with pytest.raises(StateError, match="no child of that number"):
            list_sights(node, number, Role.VIRTUAL_SCHOOL_HEAD)


def test_a_pupil_of_no_status_is_told_of_as_one_whom_nobody_may_see(node: Node) -> None:
    """So that an answer about a child tells nothing of what social care knows."""
    known = {row["upn"] for row in vault_rows(node)}
    in_care = duckdb.read_parquet(str(current(node).identified["children"])).fetchall()
    pupils = duckdb.read_parquet(str(current(node).identified["pupils"])).filter("upn IS NOT NULL")
    numbers = [str(upn) for (upn,) in pupils.select("upn").fetchall()]
    cared = {str(value) for row in in_care for value in row}
    plain = next(upn for upn in numbers if upn not in known and upn not in cared)
    put_policy(node.party.directory, switch_on())
    assert list_sights(node, plain, Role.VIRTUAL_SCHOOL_HEAD) == ()


def test_who_has_left_care_is_seen_by_nobody_as_a_child_in_care(node: Node) -> None:
    path = current(node).identified["children"]
    rows = duckdb.read_parquet(str(path)).filter("care_end IS NOT NULL AND academic_year = 202425")
    number = min(str(number) for (number,) in rows.select("la_child_id").fetchall())
    assert not [sight for sight in list_sights(node, number, Role.VIRTUAL_SCHOOL_HEAD) if sight.relation == "home"]


def test_both_numbers_of_a_child_in_need_are_gathered_by(node: Node) -> None:
    child = next(row for row in vault_rows(node, "care_status = 'child_in_need'") if row["upn"])
    assert set(complete_numbers(node, [child["la_child_id"]])) == {child["la_child_id"], child["upn"]}


def test_a_number_that_two_systems_gave_is_not_taken_for_one_child(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks what was told of one child is not answered with what was told of another."""
    path = current(node).identified["children"]
    cared = duckdb.read_parquet(str(path)).filter("length(upn) = 13").select("la_child_id, upn").order("upn")
    ((ours, theirs),) = cared.limit(1).fetchall()
    child = next(row for row in vault_rows(node, "care_status = 'child_in_need'") if row["upn"])
    collided = f"CASE upn WHEN '{child['upn']}' THEN '{ours}' ELSE la_child_id END AS la_child_id"
    snapshot = amended(node, tmp_path / "collided.parquet", collided)
    monkeypatch.setattr(node.store, "current", lambda: snapshot)
    assert complete_numbers(node, [child["upn"]]) == (child["upn"],)
    assert set(complete_numbers(node, [ours])) == {ours, theirs}
    check_one_child(node, [ours])
    check_one_child(node, [child["upn"]])
    for several in ([ours, child["upn"]], [theirs, child["upn"]]):
        with pytest.raises(StateError, match="more than one child"):
            check_one_child(node, several)


def test_what_a_policy_has_switched_on_is_said_in_plain_english() -> None:
    packaged = tell_area_duties(AccessPolicy.load().rules)
    assert [sentence.partition(":")[0] for sentence in packaged] == ["Switched off"] * 3
    policy = AccessPolicy.parse(switch_on([Relation.KINSHIP_HERE]).encode(), "policy.csv")
    previously, in_need, kinship = tell_area_duties(policy.rules)
    assert (previously, in_need) == packaged[:2]
    assert kinship == (
        "Switched on: of children in kinship care who are educated in the asker's authority, virtual school head may "
        "list (identity), read (identity, care, education), search (identity)."
    )
    line = "p, virtual_school_staff, kinship_here, read, education, allow\n"
    policy = AccessPolicy.parse((switch_on([]) + line).encode(), "policy.csv")
    assert tell_area_duties(policy.rules)[2].endswith(
        "virtual school staff may read (education) (no list opens without the right to list and read identity)."
    )


def test_a_new_policy_says_what_it_has_switched_on(
    node: Node, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "policy.csv").write_text(switch_on([Relation.PREVIOUSLY_HERE]))
    assert run(["node", "policy", "compare", "--state", str(node.party.directory), str(tmp_path / "policy.csv")]) == 0
    told = capfd.readouterr().out
    assert "can read education (" in told
    assert "Switched on: of children previously looked after, by anybody" in told
    assert "Switched off: nobody sees a record of children in need" in told


def test_every_listing_is_about_its_own_relation() -> None:
    assert {relation: listing.relation for relation, listing in LISTINGS.items()} == {each: each for each in BY_AREA}
    assert [listing.name for listing in LISTINGS.values()] == [*BY_AREA.values()]
