"""The gate before a release: what earlier releases tell together with it, who is told of that, and what they decide."""

from collections.abc import Sequence

import pytest

from audit.event import Action
from audit.log import read_entries
from disclosure_control.presets import load_preset
from disclosure_control.protection import protect
from disclosure_control.suppression.certificate import CertificateInvalid
from disclosure_control.suppression.release_attack import verify_release_certificate
from federation.exchange import CheckDecision, CheckList, QueryState
from federation.problems import ProblemRaised
from federation.wire import decode_document, encode_document
from hub import gate
from hub.checks import list_checks
from hub.queries import find_query
from hub.release import decide_release
from hub.settling import settle_query
from query_engine.tables import RawTable
from tests.hub.callers import assert_problem, gather
from tests.hub.played_federation import NODES, PlayedFederation
from tests.hub.replies import accept, count_of, released, status_of, table_of

CHILDREN = "FROM child_year WHERE academic_year = 202425 AND counted_here AND sex IN ('M', 'F')"
BY_SEX = f"SELECT sex, COUNT(*) AS n {CHILDREN} GROUP BY sex"
ALL = f"SELECT COUNT(*) AS n {CHILDREN}"

GIRLS = "301: n of sex F can be bounded to"


def answer(federation: PlayedFederation, query_id: str, counts: Sequence[int]) -> str:
    """Have all nodes answer, each having looked at this table alone: those after the first with plenty of children."""
    query = find_query(federation.hub, query_id, federation.member("ana"))
    preset = load_preset(query.manifest.preset)
    for place, node in enumerate(NODES):
        figures = [each + 100 * place for each in counts] if place else list(counts)
        raw = RawTable(query.plan, {each.name: figures for each in query.plan.statistics})
        accept(federation, query_id, node, {"table": protect(raw, preset).to_wire()})
    settle_query(federation.hub, query_id)
    return query_id


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


def test_what_was_released_before_is_released_again_without_an_attack(
    federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same rows of the same snapshot tell nothing more, and other rows of the same question are attacked."""
    attacked: list[str] = []

    def attack(authority: str, *_: object) -> list[str]:
        attacked.append(authority)
        return []

    monkeypatch.setattr(gate, "tell_hits", attack)
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
        federation.clock(),
    )
    table = table_of(federation, held)
    assert (table.answered, dict(table.absent)) == (("302",), {"301": "told_together", "303": "told_together"})
    assert len(released(federation, held).replies) == 1
    assert list_checks(federation.hub, federation.member("gus")).checks == ()
    entries = read_entries(federation.hub.database.connection, action=Action.QUERY_RELEASED)
    assert [entry.to_event().actor for entry in entries] == ["gus", "hub"]


def test_a_checker_refuses(federation: PlayedFederation, held: str) -> None:
    decide_release(federation.hub, held, CheckDecision(release=False), federation.member("gus"), federation.clock())
    assert status_of(federation, held).state is QueryState.UNFINISHED
    assert count_of(federation, Action.QUERY_WITHHELD) == 1
    assert federation.hub.database.connection.execute("SELECT count(*) FROM checks").fetchone()[0] == 0


def test_the_log_says_that_it_is_held_and_not_what_was_found(federation: PlayedFederation, held: str) -> None:
    (entry,) = read_entries(federation.hub.database.connection, action=Action.RELEASE_HELD)
    event = entry.to_event()
    assert (event.reference, dict(event.details)) == (held, {"found": 1, "withheld": 1})


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


def test_what_is_too_much_to_attack_together_is_refused_before_anybody_is_asked(
    federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "MOST_CELLS", 5)
    federation.draft(ALL)
    with pytest.raises(ProblemRaised, match="ask it by noisy_sum") as raised:
        federation.draft(f"SELECT age, COUNT(*) AS n {CHILDREN} GROUP BY age")
    assert raised.value.problem.code == "overlap"


def test_an_attack_that_is_not_over_in_time_leaves_it_to_a_checker(
    federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "LONGEST_SECONDS", -1.0)
    query_id = answer(federation, federation.start(BY_SEX), [50, 4])
    (waiting,) = list_checks(federation.hub, federation.member("gus")).checks
    assert (waiting.query_id, waiting.withheld) == (query_id, ())
    assert waiting.found == ("The time is up: 301 and those after it were not attacked.",)
