"""The hub beside a preset that is edited: releases under two versions are attacked together, each by its own."""

from collections.abc import Sequence

import msgspec
import pytest

from disclosure_control.rows.protection import protect
from federation.exchange import QueryDraft, QueryState
from federation.problems import ProblemRaised
from hub.checks import list_checks
from hub.drafting import draft_query
from hub.projects import keep_project
from hub.queries import find_query
from hub.settling import settle_query
from query_engine.tables import RawTable
from tests.added_presets import OWN, write_own
from tests.hub.played_federation import NODES, PROJECT, PlayedFederation
from tests.hub.replies import accept, released, status_of, table_of
from tests.projects import make_project

CHILDREN = "FROM child_year WHERE academic_year = 202425 AND counted_here AND sex IN ('M', 'F')"
BY_SEX = f"SELECT sex, COUNT(*) AS n {CHILDREN} GROUP BY sex"
ALL = f"SELECT COUNT(*) AS n {CHILDREN}"

EXACT = {"version": "1", "smallest_count_shown": 8, "authority": 1}
ROUNDED = {"version": "2", "smallest_count_shown": 8, "authority": 5}
STRICT = {"version": "1", "smallest_count_shown": 10, "authority": 1}
LOOSE = {"version": "2", "smallest_count_shown": 6, "authority": 1}


def use(federation: PlayedFederation, rules: dict[str, object]) -> None:
    """Edit the preset's file at the hub, of a project that takes it."""
    write_own(federation.hub.party.directory, "dfe_cin", **rules)  # type: ignore[arg-type]
    keep_project(federation.hub, make_project(PROJECT, ["ana"], [OWN]))


def start(federation: PlayedFederation, sql: str) -> str:
    """Have a query drafted under the preset as it stands, submitted and approved."""
    draft = QueryDraft(
        project=PROJECT,
        purpose="Whatever",
        sql=sql,
        academic_year="202425",
        preset=OWN,
        roster=None,
        valid_hours=168,
    )
    query_id = draft_query(federation.hub, draft, federation.member("ana"))
    return federation.sign(query_id, "ana", "cho", "dev")


def answer(federation: PlayedFederation, sql: str, counts: Sequence[int]) -> str:
    """Have all nodes answer, each having looked at this table alone: those after the first with plenty of children."""
    query_id = start(federation, sql)
    query = find_query(federation.hub, query_id, federation.member("ana"))
    preset = federation.hub.party.presets.load(OWN)
    for place, node in enumerate(NODES):
        figures = [each + 200 * place // len(counts) for each in counts]
        raw = RawTable(query.plan, {each.name: figures for each in query.plan.statistics})
        accept(federation, query_id, node, {"table": protect(raw, preset).to_wire()})
    settle_query(federation.hub, query_id)
    return query_id


def found(federation: PlayedFederation) -> tuple[str, ...]:
    (waiting,) = list_checks(federation.hub, federation.member("gus")).checks
    return waiting.found


def test_an_exact_count_of_an_earlier_version_is_read_exactly(federation: PlayedFederation) -> None:
    """25 boys are 23 to 27 of 30 children: 3 to 7 are girls. Were 30 read as rounded too, 9 could be."""
    use(federation, EXACT)
    answer(federation, ALL, [30])
    use(federation, ROUNDED)
    query_id = answer(federation, BY_SEX, [25, 5])
    assert status_of(federation, query_id).state is QueryState.CHECKING
    (words,) = found(federation)
    assert words.startswith("301: n of sex F can be bounded to 3-7 from this release and R-")


def test_a_rounded_count_of_an_earlier_version_contradicts_nothing(federation: PlayedFederation) -> None:
    """32 was printed as 30."""
    use(federation, {**ROUNDED, "version": "1"})
    answer(federation, ALL, [32])
    use(federation, {**EXACT, "version": "2"})
    assert status_of(federation, answer(federation, BY_SEX, [19, 13])).state is QueryState.RELEASED


def test_a_looser_version_does_not_print_what_a_stricter_one_withheld(federation: PlayedFederation) -> None:
    use(federation, STRICT)
    answer(federation, BY_SEX, [50, 7])
    use(federation, LOOSE)
    query_id = answer(federation, BY_SEX, [50, 7])
    assert status_of(federation, query_id).state is QueryState.CHECKING
    assert found(federation)[0].startswith("301: n of sex F is known to be 7 from this release and R-")


def test_a_file_that_is_edited_under_its_version_is_refused(federation: PlayedFederation) -> None:
    use(federation, STRICT)
    answer(federation, BY_SEX, [50, 40])
    use(federation, {**LOOSE, "version": "1"})
    with pytest.raises(ProblemRaised, match="a preset that is changed needs a new version") as refused:
        start(federation, BY_SEX)
    assert refused.value.problem.code == "preset_changed"


def test_what_was_approved_under_a_version_is_released_under_it(federation: PlayedFederation) -> None:
    """Though the file was edited while the nodes were answering."""
    use(federation, STRICT)
    query_id = start(federation, BY_SEX)
    query = find_query(federation.hub, query_id, federation.member("ana"))
    preset = federation.hub.party.presets.load(OWN)
    raw = RawTable(query.plan, {each.name: [50, 40] for each in query.plan.statistics})
    for node in NODES:
        accept(federation, query_id, node, {"table": protect(raw, preset).to_wire()})
    use(federation, LOOSE)
    settle_query(federation.hub, query_id)
    assert table_of(federation, query_id).preset_version == preset.version == query.manifest.preset_version


def test_a_release_whose_rules_are_lost_sends_the_next_to_a_checker(federation: PlayedFederation) -> None:
    use(federation, EXACT)
    answer(federation, ALL, [300])
    place = federation.hub.party.presets.place(OWN, "1")
    assert place is not None
    place.unlink()
    use(federation, ROUNDED)
    query_id = answer(federation, BY_SEX, [250, 50])
    assert status_of(federation, query_id).state is QueryState.CHECKING
    assert "version 1" in found(federation)[0]
    assert "cannot be read" in found(federation)[0]


def test_a_manifest_states_the_rules_by_their_digest(federation: PlayedFederation) -> None:
    use(federation, STRICT)
    first = find_query(federation.hub, start(federation, BY_SEX), federation.member("ana")).manifest
    use(federation, LOOSE)
    second = find_query(federation.hub, start(federation, BY_SEX), federation.member("ana")).manifest
    assert first.preset == second.preset == OWN
    assert first.preset_digest != second.preset_digest
    assert first.preset_version == f"1-{first.preset_digest[:12]}"
    same = msgspec.structs.replace(second, preset_digest=first.preset_digest)
    assert same != second


def test_other_presets_are_attacked_together_too(federation: PlayedFederation) -> None:
    """Whatever they are called: their counts are of the same children."""
    use(federation, EXACT)
    answer(federation, ALL, [30])
    keep_project(federation.hub, make_project(PROJECT, ["ana"], ["ons_10_5"]))
    query_id = federation.start(BY_SEX)
    query = find_query(federation.hub, query_id, federation.member("ana"))
    beside = federation.hub.released.related_names(federation.hub.database.connection, query.manifest, query.plan)
    assert len(beside) == 1
    assert released(federation, beside[0]).table["preset"] != {"name": "ons_10_5", "version": "3"}
