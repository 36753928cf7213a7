"""The gate before a release: what earlier releases tell together with it, who is told of that, and what they decide."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from audit.connection import Connection
from audit.event import Action
from audit.log import read_entries
from disclosure_control.linked import gathering
from disclosure_control.linked.children.parts import TooTangled
from disclosure_control.linked.findings import Finding
from disclosure_control.linked.published import Published
from disclosure_control.linked.words import say_finding
from disclosure_control.presets.shelf import PresetShelf
from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.protection import protect
from disclosure_control.suppression.certificate import CertificateInvalid
from disclosure_control.suppression.deadline import NEVER, Deadline, TimeUp
from disclosure_control.suppression.reader import Contradiction
from disclosure_control.suppression.release_attack import verify_release_certificate
from disclosure_control.symbols import Symbol
from federation.exchange import CheckDecision, CheckList, QueryState
from federation.manifest import Manifest, Path
from federation.plans import derive_plan
from federation.problems import ProblemRaised
from federation.wire import decode_document, encode_document
from hub import earlier_releases, gate, release
from hub.checks import list_checks
from hub.deciding import decide_release
from hub.earlier_releases import Release
from hub.gate import LONGEST_SECONDS, Verdict, attack_rows, check_room
from hub.queries import StoredQuery, find_query
from hub.release import release_query
from hub.service import Hub
from hub.settling import settle_query
from query_engine.planning.plan import QueryPlan
from query_engine.tables import RawTable
from tests.hub.callers import assert_problem, gather
from tests.hub.played_federation import NODES, PlayedFederation
from tests.hub.replies import accept, count_of, released, status_of, table_of

CHILDREN = "FROM child_year WHERE academic_year = 202425 AND counted_here AND sex IN ('M', 'F')"
BY_SEX = f"SELECT sex, COUNT(*) AS n {CHILDREN} GROUP BY sex"
ALL = f"SELECT COUNT(*) AS n {CHILDREN}"

GIRLS = "301: n of sex F can be bounded to"


def answer(federation: PlayedFederation, query_id: str, counts: Sequence[int]) -> str:
    """Have all nodes answer, and the hub act on it."""
    send_answers(federation, query_id, counts)
    settle_query(federation.hub, query_id)
    return query_id


def send_answers(federation: PlayedFederation, query_id: str, counts: Sequence[int]) -> StoredQuery:
    """Have all nodes answer, each having looked at this table alone: those after the first with plenty of children."""
    query = find_query(federation.hub, query_id, federation.member("ana"))
    preset = load_preset(query.manifest.preset)
    for place, node in enumerate(NODES):
        figures = [each * (1 + 25 * place) for each in counts]
        raw = RawTable(query.plan, {each.name: figures for each in query.plan.statistics})
        accept(federation, query_id, node, {"table": protect(raw, preset).to_wire()})
    return query


@pytest.fixture
def held(federation: PlayedFederation) -> str:
    """A release that would tell how few girls 301 has: 50 of 52 children are boys, by an earlier one."""
    answer(federation, federation.start(BY_SEX), [50, 4])
    return answer(federation, federation.start(ALL), [54])


def test_what_tells_nothing_is_released_by_itself_with_a_certificate(federation: PlayedFederation) -> None:
    query_id = answer(federation, federation.start(BY_SEX), [50, 4])
    document, plan = released(federation, query_id), find_query(federation.hub, query_id, federation.member("ana")).plan
    verify_release_certificate(document.certificate.encode(), document.table, plan)
    changed = {**document.table, "rows": [[*row[:2], "c"] for row in document.table["rows"]]}
    with pytest.raises(CertificateInvalid, match="of another"):
        verify_release_certificate(document.certificate.encode(), changed, plan)


def test_what_earlier_releases_tell_with_it_waits_for_a_checker(federation: PlayedFederation, held: str) -> None:
    assert status_of(federation, held).state is QueryState.CHECKING
    (waiting,) = list_checks(federation.hub, federation.member("gus")).checks
    assert (waiting.query_id, waiting.withheld) == (held, ("301",))
    (found,) = waiting.found
    (earlier,) = federation.hub.database.connection.execute("SELECT release_id FROM releases").fetchall()
    assert found.startswith(GIRLS)
    assert found.endswith(f"from this release and {earlier['release_id']}.")


def test_what_earlier_releases_withhold_is_read_as_few_though_no_node_should_let_it_be(
    federation: PlayedFederation,
) -> None:
    """Nine boys and nine girls, withheld when nothing else was there, are known from their total of 18 to 22."""
    answer(federation, federation.start(BY_SEX), [9, 9])
    answer(federation, federation.start(ALL), [18])
    (waiting,) = list_checks(federation.hub, federation.member("gus")).checks
    (earlier,) = federation.hub.database.connection.execute("SELECT release_id FROM releases").fetchall()
    assert waiting.withheld == ("301",)
    assert waiting.found == tuple(
        f"301: n of sex {sex}, if it was withheld for its own sake, is known to be 9 "
        f"from this release and {earlier['release_id']}."
        for sex in "MF"
    )


def test_what_was_answered_later_and_released_earlier_was_withheld_beside_it(federation: PlayedFederation) -> None:
    """A total that was answered first says why both are withheld: either may be more than nine."""
    first, second = federation.start(ALL), federation.start(BY_SEX)
    send_answers(federation, first, [18])
    federation.clock.advance(timedelta(minutes=1))
    answer(federation, second, [9, 9])
    settle_query(federation.hub, first)
    assert status_of(federation, second).state is QueryState.RELEASED
    assert status_of(federation, first).state is QueryState.RELEASED


def test_what_was_released_before_is_released_again_without_an_attack(
    federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same rows of the same snapshot tell nothing more, and other rows of the same question are attacked."""
    attacked: list[str] = []

    def attack(authority: str, *_: object) -> list[Finding]:
        attacked.append(authority)
        return []

    monkeypatch.setattr(gate, "list_findings", attack)
    answer(federation, federation.start(BY_SEX), [50, 40])
    assert len(attacked) == len(NODES)
    again = answer(federation, federation.start(BY_SEX), [50, 40])
    assert (len(attacked), status_of(federation, again).state) == (len(NODES), QueryState.RELEASED)
    answer(federation, federation.start(BY_SEX), [64, 40])
    assert len(attacked) == 2 * len(NODES)


def test_a_checker_releases_what_is_left_and_no_more(federation: PlayedFederation, held: str) -> None:
    """The authority that is told on is out of it, and its signed answer too; the others are as they were."""
    decide_release(
        federation.hub,
        held,
        CheckDecision(release=True, withhold=("303",)),
        federation.member("gus"),
    )
    table = table_of(federation, held)
    assert (table.answered, dict(table.absent)) == (("302",), {"301": "told_together", "303": "told_together"})
    assert len(released(federation, held).replies) == 1
    assert list_checks(federation.hub, federation.member("gus")).checks == ()
    entries = read_entries(federation.hub.database.connection, action=Action.QUERY_RELEASED)
    assert [entry.to_event().actor for entry in entries] == ["gus", "hub"]


def test_a_checker_refuses(federation: PlayedFederation, held: str) -> None:
    decide_release(federation.hub, held, CheckDecision(release=False), federation.member("gus"))
    assert status_of(federation, held).state is QueryState.REFUSED
    assert count_of(federation, Action.QUERY_WITHHELD) == 1
    assert federation.hub.database.connection.execute("SELECT count(*) FROM checks").fetchone()[0] == 0


def test_the_log_says_that_it_is_held_and_not_what_was_found(federation: PlayedFederation, held: str) -> None:
    (entry,) = read_entries(federation.hub.database.connection, action=Action.RELEASE_HELD)
    event = entry.to_event()
    assert (event.reference, dict(event.details)) == (held, {"found": 1, "withheld": 1})


# --- What other workers release meanwhile --------------------------------------------------------------------------


def overtake(federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch, others: Sequence[StoredQuery]) -> list[str]:
    """Have another worker release one of these each time that a release has been looked at; returns what was."""
    left, looked, judge = list(others), list[str](), gate.judge_rows

    def judge_and_be_overtaken(*arguments: Any) -> Verdict:
        looked.append(arguments[1].query_id)
        verdict = judge(*arguments)
        if left:
            other = left.pop(0)
            with monkeypatch.context() as undisturbed:
                undisturbed.setattr(release, "judge_rows", judge)
                release_query(federation.hub, other)
        return verdict

    monkeypatch.setattr(release, "judge_rows", judge_and_be_overtaken)
    return looked


def test_a_release_that_is_overtaken_is_attacked_again_beside_what_overtook_it(
    federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either alone tells nothing, and neither was there when the other was looked at first."""
    by_sex = send_answers(federation, federation.start(BY_SEX), [50, 4])
    everybody = send_answers(federation, federation.start(ALL), [54])
    looked = overtake(federation, monkeypatch, [by_sex])
    release_query(federation.hub, everybody)
    assert status_of(federation, by_sex.query_id).state is QueryState.RELEASED
    (waiting,) = list_checks(federation.hub, federation.member("gus")).checks
    assert (waiting.query_id, waiting.withheld) == (everybody.query_id, ("301",))
    assert looked == [everybody.query_id] * 2


def test_what_has_nothing_to_do_with_a_release_does_not_overtake_it(
    federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = send_answers(federation, federation.start(ALL), [54])
    unknown = federation.start(ALL.replace("sex IN ('M', 'F')", "sex = 'U'"))
    looked = overtake(federation, monkeypatch, [send_answers(federation, unknown, [30])])
    release_query(federation.hub, everybody)
    assert status_of(federation, everybody.query_id).state is QueryState.RELEASED
    assert looked == [everybody.query_id]


def test_a_release_that_is_overtaken_again_and_again_waits_for_a_checker(
    federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "MOST_TRIES", 2)
    everybody = send_answers(federation, federation.start(ALL), [90])
    others = [send_answers(federation, federation.start(BY_SEX), [50, 40]) for _ in range(2)]
    overtake(federation, monkeypatch, others)
    release_query(federation.hub, everybody)
    (waiting,) = list_checks(federation.hub, federation.member("gus")).checks
    assert (waiting.query_id, waiting.withheld) == (everybody.query_id, ())
    assert waiting.found == ("Others were released while it was attacked, again and again.",)


def let_go(federation: PlayedFederation, query_id: str) -> None:
    decide_release(federation.hub, query_id, CheckDecision(release=True), federation.member("gus"))


def test_what_was_released_while_a_release_waited_is_read_by_its_checker_first(federation: PlayedFederation) -> None:
    """The first wait is for want of time; by then it would have told nothing, and now it does."""
    hub = federation.hub
    federation.hub = replace(hub, stopwatch=Stopwatch(1))
    held = answer(federation, federation.start(ALL), [54])
    federation.hub = hub
    answer(federation, federation.start(BY_SEX), [50, 4])
    with pytest.raises(ProblemRaised, match="read what was found") as raised:
        let_go(federation, held)
    assert raised.value.problem.code == "told_meanwhile"
    assert status_of(federation, held).state is QueryState.CHECKING
    (waiting,) = list_checks(hub, federation.member("gus")).checks
    assert waiting.withheld == ("301",)
    assert [GIRLS in each for each in waiting.found] == [False, True]
    let_go(federation, held)
    assert dict(table_of(federation, held).absent) == {"301": "told_together"}


def test_a_checkers_release_that_is_overtaken_is_not_made(
    federation: PlayedFederation, held: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What overtakes it is released after it has been looked at, and before it is kept."""
    again = send_answers(federation, federation.start(BY_SEX), [50, 4])
    certify = release.certify_table

    def certify_and_be_overtaken(*arguments: Any) -> str:
        monkeypatch.setattr(release, "certify_table", certify)
        release_query(federation.hub, again)
        return certify(*arguments)

    monkeypatch.setattr(release, "certify_table", certify_and_be_overtaken)
    with pytest.raises(ProblemRaised, match="decide again") as raised:
        let_go(federation, held)
    assert raised.value.problem.code == "overtaken"
    assert status_of(federation, held).state is QueryState.CHECKING
    let_go(federation, held)
    assert status_of(federation, held).state is QueryState.RELEASED


@pytest.mark.parametrize("caller", ["ana", "eve"])
def test_nobody_but_a_checker_sees_or_decides(federation: PlayedFederation, held: str, caller: str) -> None:
    callers = gather(federation)
    body = encode_document(CheckDecision(release=True))
    assert_problem(callers.call(caller, "GET", "/api/checks"), 403)
    assert_problem(callers.call(caller, "POST", f"/api/checks/{held}", body), 403)
    assert status_of(federation, held).state is QueryState.CHECKING


def test_a_checker_at_the_door(federation: PlayedFederation, held: str) -> None:
    callers = gather(federation)
    listed = decode_document(callers.call("gus", "GET", "/api/checks").data, CheckList)
    assert [each.query_id for each in listed.checks] == [held]
    body = encode_document(CheckDecision(release=True))
    assert callers.call("gus", "POST", f"/api/checks/{held}", body).status_code == 204
    assert_problem(callers.call("gus", "POST", f"/api/checks/{held}", body), 404, "check_unknown")


LARGE = "age, placement_type, need, key_stage", "age, sen_primary_need, year_group, fsm_status"
"""Two questions of under 20,000 cells each, which have more than 50,000 with all their totals."""


@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
def test_what_is_too_much_to_attack_together_is_refused_before_anybody_is_asked(federation: PlayedFederation) -> None:
    """Neither alone is too much."""
    first, second = (f"SELECT {each}, COUNT(*) AS n {CHILDREN} GROUP BY {each}" for each in LARGE)
    federation.start(first)
    with pytest.raises(ProblemRaised, match=r"more than 50,000 cells together.*ask it by noisy_sum") as raised:
        federation.draft(second)
    assert raised.value.problem.code == "overlap"


APART = "not what follows from several that are in no group together"


def test_earlier_releases_that_overlap_too_much_are_looked_at_in_groups_and_a_checker_decides(
    federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one group tells is found as ever; a question of authorities' rows is not refused for it."""
    monkeypatch.setattr(gathering, "MOST_TOGETHER", 2)
    monkeypatch.setattr(gathering, "MOST_IN_GROUP", 2)
    answer(federation, federation.start(f"{ALL} AND uasc"), [50])
    answer(federation, federation.start(f"{ALL} AND persistent_absentee"), [30])
    harmless = answer(federation, federation.start(f"{ALL} AND school_in_area"), [40])
    (waiting,) = list_checks(federation.hub, federation.member("gus")).checks
    assert (waiting.query_id, waiting.withheld) == (harmless, ())
    assert waiting.found == (
        "301 and 2 more: the earlier releases overlap in more ways than can be looked at all at once; they were looked "
        f"at in 2 groups, each beside this one, and {APART}.",
    )


@pytest.mark.parametrize(
    ("hindrance", "words"),
    [
        (TimeUp(), "The time is up: not attacked to the end is 301."),
        (TooTangled("they overlap"), "301: not attacked beside earlier releases, since they overlap."),
        (Contradiction(), "301: its figures contradict earlier ones of the same snapshot."),
    ],
)
def test_what_one_group_tells_is_found_though_another_cannot_be_looked_at(
    monkeypatch: pytest.MonkeyPatch, hindrance: Exception, words: str
) -> None:
    """The authority is left out whole all the same. The groups are made once for all authorities."""
    asked = [f"{ALL} AND {each}" for each in ("school_in_area", "uasc", "pep_on_time", "persistent_absentee")]
    *earlier, newest = (released_alone(f"R-{place}", each, ["301", "302"]) for place, each in enumerate(asked))
    gathered: list[int] = []

    def gather_each(plans: Sequence[QueryPlan], _newest: QueryPlan) -> tuple[tuple[int, ...], ...]:
        gathered.append(len(plans))
        return tuple((each,) for each in range(len(plans)))

    def tell(authority: str, tables: Sequence[Published], *_: object) -> list[Finding]:
        if authority == "301" and tables[0].name == "R-1":
            raise hindrance
        return [Finding("301", "n", (3, 3), ())] if authority == "301" and tables[0].name == "R-0" else []

    monkeypatch.setattr(gate, "gather", gather_each)
    monkeypatch.setattr(gate, "list_findings", tell)
    verdict = attack_rows(newest, earlier, NEVER)
    assert {"301: n is known to be 3 from this release alone.", words} <= set(verdict.words)
    assert verdict.told == {"301"}
    assert gathered == [3]


def released_alone(name: str, sql: str, authorities: Sequence[str]) -> Release:
    """A release of one count of each of these."""
    rows, now = {each: [(40,)] for each in authorities}, datetime.now(UTC)
    plan, each_now = derive_plan(sql, Path.PER_AUTHORITY), dict.fromkeys(authorities, now)
    return Release(
        name, plan, load_preset("dfe_cla"), rows, tuple(authorities), dict.fromkeys(authorities, "now"), each_now
    )


@pytest.mark.parametrize("path", [Path.PER_AUTHORITY, Path.EXACT_SUM])
def test_there_is_room_where_every_group_can_be_looked_at(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    monkeypatch.setattr(gate, "link_plans", lambda plans, most: looked.append(len(plans)))
    monkeypatch.setattr(gathering, "MOST_TOGETHER", 1)
    monkeypatch.setattr(gathering, "MOST_IN_GROUP", 1)
    others = [derive_plan(f"{ALL} AND {each}", Path.PER_AUTHORITY) for each in ("uasc", "pep_on_time")]
    hub = SimpleNamespace(
        released=SimpleNamespace(related_plans=lambda *_: others), database=SimpleNamespace(connection=None)
    )
    plan = derive_plan(ALL, Path.PER_AUTHORITY)
    check_room(cast(Hub, hub), cast(Manifest, SimpleNamespace(path=path, cell_key=None)), plan)
    assert looked == [2, 2]


def test_what_counts_other_children_leaves_room(federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "MOST_CELLS", 40)
    by_age = f"SELECT age, COUNT(*) AS n {CHILDREN} AND ethnicity_major = '{{}}' GROUP BY age"
    federation.start(by_age.format("asian"))
    federation.start(by_age.format("black"))
    with pytest.raises(ProblemRaised, match="too much to attack together"):
        federation.draft(by_age.format("asian").replace("= 'asian'", "IN ('asian', 'mixed')"))


class Stopwatch:
    """Stands still until it has been read so often, and then leaps beyond every deadline."""

    def __init__(self, readings: int) -> None:
        self.left = readings

    def __call__(self) -> float:
        self.left -= 1
        return 0.0 if self.left >= 0 else 2 * LONGEST_SECONDS


WITH_TOTALS = f"SELECT sex, COUNT(*) AS n {CHILDREN} GROUP BY ROLLUP (sex)"


MORE_THAN_301 = "301 and 2 more"


@pytest.mark.parametrize(
    ("readings", "late"),
    [(1, MORE_THAN_301), (2, MORE_THAN_301), (3, MORE_THAN_301), (4, "302 and 1 more"), (5, "303")],
)
def test_an_attack_that_is_not_over_in_time_leaves_it_to_a_checker(
    federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch, readings: int, late: str
) -> None:
    """Whenever the time is up: before an authority, or in the middle of one and between its programs."""
    monkeypatch.setattr(gate, "MOST_AT_ONCE", 1)
    federation.hub = replace(federation.hub, stopwatch=Stopwatch(readings))
    query_id = answer(federation, federation.start(WITH_TOTALS), [4, 4, 8])
    (waiting,) = list_checks(federation.hub, federation.member("gus")).checks
    assert (waiting.query_id, waiting.withheld) == (query_id, ())
    assert waiting.found == (f"The time is up: not attacked to the end is {late}.",)
    assert federation.hub.database.connection.execute("SELECT count(*) FROM releases").fetchone()[0] == 0


def test_authorities_are_attacked_side_by_side(federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits until all are under way, and what is found of them comes in their order."""
    monkeypatch.setattr(gate, "MOST_AT_ONCE", len(NODES))
    monkeypatch.setattr("os.cpu_count", lambda: 2 * len(NODES))
    under_way, last = threading.Barrier(len(NODES), timeout=30), {"301": threading.Event()}

    def attack(authority: str, *_: object) -> list[Finding]:
        under_way.wait()
        last["301"].wait(timeout=30) if authority == "301" else last["301"].set()
        return [Finding(authority, "n", (3, 3), ())]

    monkeypatch.setattr(gate, "list_findings", attack)
    answer(federation, federation.start(BY_SEX), [50, 40])
    (waiting,) = list_checks(federation.hub, federation.member("gus")).checks
    assert waiting.withheld == ("301", "302", "303")
    assert waiting.found == tuple(f"{each}: n is known to be 3 from this release alone." for each in waiting.withheld)


def test_a_checker_reads_first_what_holds_however_c_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told of fifty findings at most."""
    taking = [Finding("301", f"n of age {age}", (1, 4), (), taken=("this release",)) for age in range(gate.MOST_WORDS)]
    found = {"301": taking, "302": [Finding("302", "n of all", (0, 4), (), closer=(1, 4))]}
    monkeypatch.setattr(gate, "list_findings", lambda authority, *_: found[authority])
    rows = {code: [("M", Symbol.CONFIDENTIAL), ("F", Symbol.CONFIDENTIAL)] for code in found}
    now = datetime.now(UTC)
    release = Release(
        "this release", derive_plan(BY_SEX, Path.PER_AUTHORITY), load_preset("dfe_cla"), rows, tuple(rows), {}, {}
    )
    release = replace(release, snapshots=dict.fromkeys(rows, "now"), moments=dict.fromkeys(rows, now))
    verdict = attack_rows(release, [], NEVER)
    assert verdict.findings == (*found["302"], *taking)
    assert verdict.words == tuple(map(say_finding, verdict.findings))[: gate.MOST_WORDS]
    assert verdict.told == {"301", "302"}


CROSSING = (
    "uasc",
    "engmath_94",
    "persistent_absentee",
    "pep_on_time",
    "school_in_area",
    "placement_in_area",
    "sdq_returned",
)


def test_conditions_that_all_cross_are_given_up_in_time() -> None:
    """Seven of them, each counted by age, cut the children into thousands of cells.

    The time is looked at all the while: here it is up at the twentieth look.
    """
    preset = load_preset("dfe_cla")
    asked = ", ".join(f"COUNT(*) FILTER (WHERE {each}) AS n{place}" for place, each in enumerate(CROSSING))
    plan = derive_plan(f"SELECT age, COUNT(*) AS n, {asked} {CHILDREN} GROUP BY age", Path.PER_AUTHORITY)
    draw = Random(1)
    rows = [
        (age, 90, *(draw.choice((Symbol.CONFIDENTIAL, 20, 30, 40)) for _ in CROSSING)) for (age,) in plan.iter_cells()
    ]
    release = Release("this release", plan, preset, {"301": rows}, ("301",), {"301": "now"}, {"301": datetime.now(UTC)})
    looks = count()
    verdict = attack_rows(release, [], Deadline(lambda: float(next(looks)), 20.0))
    assert verdict.words == ("The time is up: not attacked to the end is 301.",)


def test_an_attack_that_is_over_in_time_is_released_by_itself(federation: PlayedFederation) -> None:
    federation.hub = replace(federation.hub, stopwatch=lambda: 0.0)
    query_id = answer(federation, federation.start(WITH_TOTALS), [4, 4, 8])
    assert status_of(federation, query_id).state is QueryState.RELEASED


def test_a_release_is_decoded_once_and_where_it_has_to_do_with_the_next_alone(
    federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []

    def read(connection: Connection, query_id: str, plan: QueryPlan, presets: PresetShelf) -> Release:
        decoded.append(query_id)
        return read_release(connection, query_id, plan, presets)

    read_release = earlier_releases._read
    monkeypatch.setattr(earlier_releases, "_read", read)
    first = answer(federation, federation.start(BY_SEX), [50, 40])
    answer(federation, federation.start(ALL.replace("sex IN ('M', 'F')", "sex = 'U'")), [30])
    assert decoded == []
    answer(federation, federation.start(WITH_TOTALS), [50, 40, 90])
    second = answer(federation, federation.start(ALL), [90])
    assert decoded[0] == first
    assert len(set(decoded)) == len(decoded) == 2
    assert second not in decoded


# --- Other snapshots and other tables ------------------------------------------------------------------------------


def test_a_release_beside_another_snapshot_of_the_year_waits_for_a_checker(federation: PlayedFederation) -> None:
    """Whatever the figures are; the authority whose rows are the same in both is not among those named."""
    answer(federation, federation.start(BY_SEX), [50, 40])
    later = federation.start(BY_SEX)
    query = find_query(federation.hub, later, federation.member("ana"))
    preset = load_preset(query.manifest.preset)
    for place, node in enumerate(NODES):
        figures = [each * (1 + 25 * place) for each in ((60, 40) if place < 2 else (50, 40))]
        raw = RawTable(query.plan, {each.name: figures for each in query.plan.statistics})
        accept(federation, later, node, {"table": protect(raw, preset).to_wire(), "snapshot": "202425-mended"})
    settle_query(federation.hub, later)
    assert status_of(federation, later).state is QueryState.CHECKING
    (waiting,) = list_checks(federation.hub, federation.member("gus")).checks
    (found,) = waiting.found
    assert waiting.withheld == ()
    assert found.startswith("301 and 1 more: R-")
    assert found.endswith("in another snapshot; the two together tell of those whose records changed in between.")
    decide_release(federation.hub, later, CheckDecision(release=True), federation.member("gus"))
    assert table_of(federation, later).answered == ("301", "302", "303")


def test_the_same_children_in_another_table_are_attacked_too(federation: PlayedFederation) -> None:
    """Of 54 children of 301 in care 50 are on its rolls: four, as nearly as can be told, are on none."""
    pupils = "SELECT COUNT(*) AS n FROM pupil_year WHERE academic_year = 202425 AND "
    answer(federation, federation.start(f"{pupils}social_care_group = 'cla_12_months_at_31_march'"), [50])
    care = "population = 'looked_after' AND at_31_march AND in_care_12_months AND school_in_area"
    held = answer(federation, federation.start(f"{ALL} AND {care}".replace(" AND sex IN ('M', 'F')", "")), [54])
    assert status_of(federation, held).state is QueryState.CHECKING
    (waiting,) = list_checks(federation.hub, federation.member("gus")).checks
    assert waiting.withheld == ("301",)
    assert ", less children with a row in pupil_year" in waiting.found[0]


def test_a_question_that_cannot_be_set_against_others_is_refused_when_it_is_drafted(
    federation: PlayedFederation,
) -> None:
    answer(federation, federation.start(BY_SEX), [50, 40])
    loose = (
        "SELECT p.placement_type, COUNT(DISTINCT child) AS n FROM child_year AS c LEFT JOIN placements AS p "
        "USING (child, academic_year) WHERE academic_year = 202425 GROUP BY p.placement_type"
    )
    with pytest.raises(ProblemRaised) as refused:
        federation.start(loose)
    assert (refused.value.problem.status, refused.value.problem.code) == (422, "overlap")
    assert "ask it by noisy_sum" in refused.value.problem.detail
