"""Counts changed by cell keys, from approval to release: of rows of one's own, and of a sum over all authorities.

Real nodes and a real hub in one process. What is expected comes from pooled rows by plain SQL and from the published
table by hand; the readers verify what they are handed as they always do.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from federation.envelope import Envelope, read_envelope
from federation.exchange import QueryDraft, QueryState, ReleaseDocument
from federation.hub_line import HubRefused
from federation.manifest import MANIFEST_TYPE, read_manifest
from federation.manifest import Path as LeavingPath
from federation.plans import derive_plan
from federation.total_releases import TotalMismatch, verify_total
from hub import drafting, runs, signing
from hub.settling import keep_up, settle_due
from node.service import Node
from query_engine.planning.record_keys import keys_of
from tests.end_to_end.adding_up import ASKER, AddingUp, adding_up
from tests.end_to_end.one_process import OneProcess, answering_at_once
from tests.node.keyed import ACCEPTS, COUNTED, PRESET, SHARED, accept_cell_keys, count_by_hand, rows_by_hand
from tests.small_federation import SmallFederation


@pytest.fixture(scope="module")
def keyed(pristine_london: SmallFederation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AddingUp]:
    """A federation whose sums are changed by cell keys."""
    with adding_up(pristine_london, tmp_path_factory.mktemp("keyed"), PRESET.name, ACCEPTS) as found:
        yield found


@pytest.fixture(scope="module")
def total(keyed: AddingUp) -> ReleaseDocument:
    """Children by provision over all authorities."""
    return keyed.ask(COUNTED, LeavingPath.EXACT_SUM)


def files_of(keyed: AddingUp) -> list[Path]:
    return [children_of(node) for node in keyed.nodes.values()]


def children_of(node: Node) -> Path:
    current = node.store.current()
    assert current is not None
    return current.tables["child_year"]


# --- A sum -----------------------------------------------------------------------------------------------------------


def test_a_total_is_the_table_applied_to_the_pooled_count_and_key(keyed: AddingUp, total: ReleaseDocument) -> None:
    """One lookup for all authorities together, exactly as if one node held every child."""
    assert total.table["rows"] == rows_by_hand(files_of(keyed))
    counted = count_by_hand(files_of(keyed))
    assert [row[1] for row in total.table["rows"]] != [count for count, _ in counted.values()]
    assert "Perturbed by cell key" in total.table["method"]
    assert total.table["answered"] == sorted(keyed.federation.authorities)


def test_the_hub_opens_counts_and_keys_modulo_256(keyed: AddingUp, total: ReleaseDocument) -> None:
    """Whatever the keys add up to beyond it is gone: nothing but the cell key is ever in the hub's memory."""
    plan = derive_plan(COUNTED, LeavingPath.EXACT_SUM, 256)
    assert total.table["plan_id"] == plan.plan_id
    (count,) = plan.outputs[1].statistics
    found = zip(keyed.opened.figures[count], keyed.opened.figures[keys_of(count, 256)], strict=True)
    assert list(found) == list(count_by_hand(files_of(keyed)).values())


def test_a_reader_notices_figures_that_the_preset_cannot_print(keyed: AddingUp, total: ReleaseDocument) -> None:
    """A count under the threshold, another method, a row too few: the hub's word is held to the manifest's."""
    envelope = read_manifest_of(keyed, total)
    plan, register = derive_plan(COUNTED, LeavingPath.EXACT_SUM, 256), keyed.hub.register()
    verify_total(total, envelope, plan, register)
    rows = total.table["rows"]
    for change in (
        {"rows": [[rows[0][0], 5], *rows[1:]]},
        {"rows": rows[1:]},
        {"method": total.table["method"].replace("at most 15", "at most 2")},
    ):
        spoilt = msgspec.structs.replace(total, table={**total.table, **change})
        with pytest.raises(TotalMismatch, match="not such as the preset prints"):
            verify_total(spoilt, envelope, plan, register)


def read_manifest_of(keyed: AddingUp, release: ReleaseDocument) -> Envelope:
    row = keyed.hub.database.connection.execute(
        "SELECT envelope FROM queries WHERE query_id = ?", (release.query_id,)
    ).fetchone()
    envelope = read_envelope(row["envelope"], MANIFEST_TYPE)
    assert read_manifest(envelope).cell_key is not None
    return envelope


def test_the_same_question_again_has_the_same_answer(keyed: AddingUp, total: ReleaseDocument) -> None:
    """Under another template and another manifest; it costs nothing, at the hub or at a node."""
    again = keyed.ask(COUNTED, LeavingPath.EXACT_SUM)
    assert again.release_id != total.release_id
    assert again.table["rows"] == total.table["rows"]
    assert given(keyed) == {("hub", 1), ("node", 1)}


def given(keyed: AddingUp) -> set[tuple[str, int]]:
    """How many answers are counted, at the hub for each node and at each node."""
    counted = "SELECT coalesce(sum(answers), 0) FROM cell_key_answers"
    at_hub = {
        keyed.hub.database.connection.execute(f"{counted} WHERE node = ?", (f"node-{code}",)).fetchone()[0]
        for code in keyed.nodes
    }
    at_nodes = {node.database.connection.execute(counted).fetchone()[0] for node in keyed.nodes.values()}
    return {("hub", each) for each in at_hub} | {("node", each) for each in at_nodes}


def test_beyond_the_cap_the_hub_asks_nobody(keyed: AddingUp, total: ReleaseDocument) -> None:
    """One answer is given; a question with four is refused to its asker, and no node hears of it."""
    with pytest.raises(HubRefused, match="1 of 4 answers about child_year of 202425 under cell keys are given"):
        keyed.ask(SHARED, LeavingPath.EXACT_SUM)
    assert given(keyed) == {("hub", 1), ("node", 1)}


def test_beyond_the_cap_nodes_refuse_whatever_the_hub_does(
    keyed: AddingUp, total: ReleaseDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hub that does not count hands the question on: every node refuses for itself."""
    for module in (drafting, runs):
        monkeypatch.setattr(module, "check_answers_left", lambda *_: None)
    monkeypatch.setattr(signing, "count_answers_given", lambda *_: None)
    query_id = keyed._submit_standing(SHARED)
    for _ in range(6):
        keep_up(keyed.hub, keyed.clock())
        keyed.poll(*keyed.nodes)
    with keyed.client(ASKER) as rae:
        status = rae.status(query_id)
    assert {node.code for node in status.nodes} - {""} == {"answers_used"}
    assert status.state is QueryState.REFUSED
    assert given(keyed) == {("hub", 1), ("node", 1)}


# --- Rows of one's own -----------------------------------------------------------------------------------------------


def draft_of(sql: str) -> QueryDraft:
    return QueryDraft(
        project="attendance",
        purpose="Children by their provision",
        sql=sql,
        academic_year="202425",
        preset=PRESET.name,
        roster=None,
        valid_hours=24,
    )


@pytest.fixture
def asked(federation: SmallFederation) -> Iterator[OneProcess]:
    """A federation whose rows are changed by cell keys."""
    accept_cell_keys(federation)
    with answering_at_once():
        found = OneProcess(federation, (PRESET.name,))
        yield found
        found.close()


def test_rows_of_every_authority_are_changed_by_itself(asked: OneProcess) -> None:
    """The release is verified by its reader, who has no table, against what the nodes signed."""
    query_id = asked.submit(draft_of(COUNTED))
    asked.poll(*asked.nodes)
    settle_due(asked.hub, asked.clock())
    with asked.client("ana@ucl") as ana:
        release = ana.fetch(query_id)
    nodes = asked.nodes
    assert release.table["rows"] == [
        [code, *row] for code in sorted(nodes) for row in rows_by_hand([children_of(nodes[code])])
    ]
    assert "Perturbed by cell key" in release.table["method"]


def test_what_is_approved_beyond_the_cap_is_not_handed_on(asked: OneProcess) -> None:
    """Three questions with two answers each pass when they are drafted; the third to be approved comes too late."""
    two = COUNTED.replace("AS children", "AS children, COUNT(*) AS n")
    with asked.client("ana@ucl") as ana:
        drafted = [ana.submit(draft_of(two.replace("sen_provision", each))) for each in ("sex", "uasc", "age")]
    for query in drafted[:2]:
        approve(asked, query.query_id)
    with pytest.raises(HubRefused, match="4 of 4 answers about child_year of 202425 under cell keys are given"):
        approve(asked, drafted[2].query_id)
    assert asked.state(drafted[2].query_id) is QueryState.SUBMITTED


def approve(asked: OneProcess, query_id: str) -> None:
    for officer in ("officer@la-203", "officer@dfe"):
        with asked.client(officer) as approver:
            approver.sign(approver.review(query_id))
