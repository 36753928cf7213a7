"""Drafts: what is refused at once and why, what the manifest says, and who may see it."""

from collections.abc import Callable
from datetime import date, timedelta

import msgspec
import pytest

from audit.event import Action
from audit.log import read_entries
from disclosure_control.presets.shipped import load_preset
from federation.exchange import QueryDraft
from federation.manifest import read_manifest
from federation.problems import ProblemRaised
from federation.project import DataItem
from hub import drafting, planning, queries, standing
from hub.drafting import draft_query
from hub.projects import keep_project
from hub.queries import find_query
from hub.standing import list_queries
from query_engine.question import Question, read_question
from tests.added_presets import STRICT, write_strict
from tests.hub.played_federation import NODES, PROJECT, SQL, PlayedFederation
from tests.projects import make_project

DRAFT = QueryDraft(
    project=PROJECT,
    purpose="How attendance differs by key stage",
    sql=SQL,
    academic_year="202425",
    preset="ons_10_5",
    roster=None,
    valid_hours=168,
)

FOR_AUTHORITIES = """SELECT support_kind, COUNT(DISTINCT child) AS children, SUM(cost) AS spent FROM support
WHERE academic_year = 202425 AND counted_here AND population = 'looked_after' GROUP BY support_kind"""
"""A question about a column that authorities alone may ask about."""


@pytest.mark.parametrize(
    ("asker", "changes", "code", "says"),
    [
        ("bea", {}, "project_unknown", "no project"),
        ("ana", {"project": "exclusions"}, "project_unknown", "no project"),
        ("ana", {"project": "no-such-project"}, "project_unknown", "no project"),
        ("ana", {"preset": "dfe_cla"}, "preset_not_in_project", "ons_10_5"),
        ("ana", {"preset": "no_such_preset"}, "preset_not_in_project", "ons_10_5"),
        ("ana", {"roster": ("node-301", "node-999")}, "roster_unknown", "node-999"),
        ("ana", {"roster": ("cho",)}, "roster_unknown", "cho"),
        ("ana", {"roster": ()}, "roster_empty", "no node"),
        ("ana", {"sql": "SELECT child FROM child_year"}, "key_misused", "(line 1, column 8)"),
        ("ana", {"sql": "SELECT\nCOUNT(*) AS n FROM nowhere"}, "unknown_table", "(line 2, column 20)"),
        (
            "ana",
            {"sql": "SELECT academic_year, AVG(engmath_94) AS passed FROM child_year GROUP BY academic_year"},
            "methodology",
            "(year_on_year, recommendation 2)",
        ),
        ("ana", {"sql": FOR_AUTHORITIES}, "audience", "authorities alone"),
        ("ana", {"academic_year": "209899"}, "year_unknown", "202425"),
        ("ana", {"purpose": "About A123456789012 alone"}, "not_loggable", "pupil number"),
        ("cho", {}, "not_permitted", "approver"),
        ("node-301", {}, "not_permitted", "node"),
        ("hub", {}, "unknown_value", "role"),
    ],
)
def test_a_draft_that_would_be_refused_later_is_refused_at_once(
    federation: PlayedFederation, asker: str, changes: dict[str, object], code: str, says: str
) -> None:
    """With the reason, and nothing of it is kept."""
    keep_project(federation.hub, make_project("exclusions", ["bea"], ["ons_10_5"]))
    with pytest.raises(ProblemRaised) as refused:
        draft_query(federation.hub, msgspec.structs.replace(DRAFT, **changes), federation.member(asker))
    assert refused.value.problem.code == code
    assert says in refused.value.problem.detail
    assert "A123456789012" not in refused.value.problem.detail
    assert federation.hub.database.connection.execute("SELECT count(*) FROM queries").fetchone()[0] == 0
    assert not list(read_entries(federation.hub.database.connection, action=Action.QUERY_DRAFTED))


def test_a_question_is_planned_once_for_all_who_ask_it_and_every_page_that_tells_of_it(
    federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned: list[str] = []

    def read(sql: str) -> Question:
        planned.append(sql)
        return read_question(sql)

    planning._plan.cache_clear()
    monkeypatch.setattr("hub.planning.read_question", read)
    query_ids = [federation.draft(), federation.draft()]
    plans = [find_query(federation.hub, each, federation.member("ana")).plan for each in query_ids]
    assert (planned, plans[0] is plans[1]) == ([SQL], True)


def test_a_project_can_be_changed_while_it_has_queries(federation: PlayedFederation) -> None:
    """Its queries stay, and its new rules hold from now on."""
    query_id = federation.draft()
    keep_project(federation.hub, make_project(PROJECT, ["bea"], ["ons_10_5"]))
    assert find_query(federation.hub, query_id, federation.member("ana")).query_id == query_id
    with pytest.raises(ProblemRaised, match="no project"):
        federation.draft()
    assert federation.draft(asker="bea")


def test_a_draft_without_a_node_to_ask_is_refused(federation: PlayedFederation) -> None:
    for node in NODES:
        federation.revoke(node)
    with pytest.raises(ProblemRaised, match="no node to ask"):
        federation.draft()


def test_a_draft_whose_release_nobody_could_fetch_is_refused(
    federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seven cells of three nodes are 21 rows."""
    monkeypatch.setattr(drafting, "MOST_ROWS", 21)
    federation.draft()
    monkeypatch.setattr(drafting, "MOST_ROWS", 20)
    with pytest.raises(ProblemRaised, match="21 rows") as refused:
        federation.draft()
    assert refused.value.problem.code == "too_many_rows"


def test_the_manifest_says_what_was_asked(federation: PlayedFederation) -> None:
    """Every word of the draft, the roster once each and in order, and until when."""
    draft = msgspec.structs.replace(DRAFT, roster=("node-303", "node-301", "node-303"), valid_hours=2)
    query_id = draft_query(federation.hub, draft, federation.member("ana"))
    manifest = read_manifest(find_query(federation.hub, query_id, federation.member("ana")).envelope)
    assert (manifest.asker, manifest.sql, manifest.purpose) == ("ana", SQL, DRAFT.purpose)
    assert manifest.roster == ("node-301", "node-303")
    assert (manifest.preset, manifest.preset_version) == ("ons_10_5", load_preset("ons_10_5").version)
    assert manifest.expires_at - manifest.issued_at == timedelta(hours=2)
    assert manifest.issued_at == federation.clock()


def test_a_preset_of_the_federation_is_drafted_in_the_version_of_its_file(federation: PlayedFederation) -> None:
    """The hub holds the file; one that is looser than its floor is no preset to draft with."""
    directory = federation.hub.party.directory
    write_strict(directory)
    keep_project(federation.hub, make_project(PROJECT, ["ana"], [STRICT]))
    query_id = draft_query(federation.hub, msgspec.structs.replace(DRAFT, preset=STRICT), federation.member("ana"))
    manifest = read_manifest(find_query(federation.hub, query_id, federation.member("ana")).envelope)
    assert (manifest.preset, manifest.preset_version) == (STRICT, federation.hub.party.presets.load(STRICT).version)
    write_strict(directory, 7)
    with pytest.raises(ProblemRaised, match="looser than opensafely") as refused:
        draft_query(federation.hub, msgspec.structs.replace(DRAFT, preset=STRICT), federation.member("ana"))
    assert refused.value.problem.code == "preset_unknown"


# --- Seeing --------------------------------------------------------------------------------------------------------

READERS = {
    "ana": True,
    "bea": False,
    "cho": True,
    "dev": True,
    "eve": True,
    "gus": True,
    "hub": False,
    "node-301": False,
}


@pytest.mark.parametrize(("reader", "sees"), READERS.items())
def test_who_may_see_a_query(federation: PlayedFederation, reader: str, sees: bool) -> None:
    """Its asker, and whoever the matrix lets read manifests; to all others it is as if there were none."""
    query_id, member = federation.draft(), federation.member(reader)
    assert [status.query_id for status in list_queries(federation.hub, member)] == ([query_id] if sees else [])
    if sees:
        assert find_query(federation.hub, query_id, member).query_id == query_id
        return
    with pytest.raises(ProblemRaised) as hidden:
        find_query(federation.hub, query_id, member)
    with pytest.raises(ProblemRaised) as absent:
        find_query(federation.hub, "Q-0000000000000000", member)
    assert hidden.value.problem == absent.value.problem


def test_the_list_is_newest_first_and_bounded(federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch) -> None:
    """And neither parses nor plans what it lists."""
    ids = []
    for _ in range(4):
        ids.append(federation.draft())
        federation.clock.advance(timedelta(seconds=1))

    def refuse(sql: str, path: str) -> None:
        raise AssertionError("a list plans nothing")

    monkeypatch.setattr(queries, "plan_draft", refuse)
    listed = list_queries(federation.hub, federation.member("cho"), most=3)
    assert [status.query_id for status in listed] == ids[:0:-1]
    assert {status.cells for status in listed} == {7}


def test_waiting_for_a_query_looks_at_little(federation: PlayedFederation) -> None:
    """What a held line compares changes with each signature, each reply and each state, and else not."""
    seen = [standing.measure_progress(federation.hub, "Q-0000000000000000")]
    query_id = federation.draft()
    steps: list[Callable[[], object]] = [
        lambda: None,
        *(lambda signer=signer: federation.sign(query_id, signer) for signer in ("ana", "cho", "dev")),
        *(lambda node=node: federation.answer(query_id, node) for node in NODES),
    ]
    for step in steps:
        step()
        seen.append(standing.measure_progress(federation.hub, query_id))
        assert standing.measure_progress(federation.hub, query_id) == seen[-1]
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"data_items": (DataItem(table="child_year", columns=("academic_year", "child")),)}, "beyond_data_items"),
        ({"ends": date(2026, 1, 1), "review": date(2026, 1, 1)}, "project_over"),
    ],
)
def test_what_goes_beyond_the_project_is_no_draft(
    federation: PlayedFederation, changes: dict[str, object], code: str
) -> None:
    """What every node would refuse is refused at once, and nothing is written."""
    keep_project(federation.hub, make_project(PROJECT, **changes))  # type: ignore[arg-type]
    with pytest.raises(ProblemRaised) as raised:
        draft_query(federation.hub, DRAFT, federation.member("ana"))
    assert (raised.value.problem.status, raised.value.problem.code) == (422, code)
    assert list_queries(federation.hub, federation.member("ana")) == ()


def test_a_manifest_carries_its_project_as_it_was(federation: PlayedFederation) -> None:
    """An amended project is what the next question is asked under; what was drafted before keeps the old one."""
    first = federation.draft()
    keep_project(federation.hub, make_project(PROJECT, title="Amended"))
    second = federation.draft()
    titles = [
        find_query(federation.hub, each, federation.member("ana")).manifest.project.title for each in (first, second)
    ]
    assert titles == [make_project().title, "Amended"]
    logged = [entry.to_event().action for entry in read_entries(federation.hub.database.connection)]
    assert (logged.count(Action.PROJECT_CREATED), logged.count(Action.PROJECT_AMENDED)) == (1, 1)
