"""What is released: every authority's rows, nothing that a preset would not print, once, whatever happens meanwhile."""

import copy
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.event import Action
from audit.log import read_entries
from disclosure_control.presets import load_preset
from disclosure_control.release import ReleasedTable, read_released
from federation import releases
from federation.exchange import QueryState, ReleaseDocument
from federation.manifest import Outcome, Reply
from federation.problems import ProblemRaised
from federation.releases import verify_release
from federation.wire import MAX_BATCH_BYTES, decode_document
from hub import queries, release
from hub.dispatch import accept_reply, read_replies
from hub.queries import find_query
from hub.release import combine_replies, find_release, settle_due, settle_query
from hub.service import open_hub
from tests.hub.callers import gather
from tests.hub.played_federation import AUTHORITIES, NODES, PlayedFederation, found_federation
from tests.hub.replies import honest_table, status_of, write_reply

Spoil = Callable[[dict[str, Any]], object]


def released(federation: PlayedFederation, query_id: str) -> ReleaseDocument:
    """The release of a query."""
    query = find_query(federation.hub, query_id, federation.member("ana"))
    return decode_document(find_release(federation.hub, query), ReleaseDocument, limit=MAX_BATCH_BYTES)


def table_of(federation: PlayedFederation, query_id: str) -> ReleasedTable:
    return read_released(released(federation, query_id).table)


def accept(federation: PlayedFederation, query_id: str, node: str, changes: Mapping[str, object] | None = None) -> None:
    """Have the hub keep a reply, and be stopped before it does anything about it."""
    accept_reply(federation.hub, federation.member(node), write_reply(federation, query_id, node, changes))


def time_is_up(federation: PlayedFederation) -> None:
    federation.clock.advance(timedelta(hours=168))
    settle_due(federation.hub, federation.clock())


def rows_of(table: ReleasedTable, authority: str) -> list[tuple[object, ...]]:
    """One authority's figures, without the categories."""
    places = [place for place, column in enumerate(table.columns) if column in table.decimals]
    return [tuple(row[place] for place in places) for row in table.rows if row[0] == authority]


def count_of(federation: PlayedFederation, action: Action) -> int:
    return sum(1 for _ in read_entries(federation.hub.database.connection, action=action))


# --- What is in a release ------------------------------------------------------------------------------------------


def test_every_authority_has_its_rows(federation: PlayedFederation) -> None:
    """Answered, refused and late: figures for the first, x with the reason for the others, and no row is missing."""
    query_id = federation.refuse(federation.answer(federation.start(), "node-301"), "node-303", "table_barred")
    time_is_up(federation)
    table = table_of(federation, query_id)
    cells = status_of(federation, query_id).cells
    assert [row[0] for row in table.rows] == [code for code in AUTHORITIES for _ in range(cells)]
    assert table.absent == {"302": "late", "303": "table_barred"}
    assert "x" not in {figure for row in rows_of(table, "301") for figure in row}
    assert {figure for code in ("302", "303") for row in rows_of(table, code) for figure in row} == {"x"}


def test_the_release_says_what_was_asked_and_who_answered(federation: PlayedFederation) -> None:
    query_id = federation.refuse(federation.answer(federation.start(), "node-301", "node-302"), "node-303")
    document = released(federation, query_id)
    query = find_query(federation.hub, query_id, federation.member("ana"))
    assert (document.query_id, document.manifest_digest, document.sql) == (query_id, query.digest, query.manifest.sql)
    assert [(node.node, node.outcome) for node in document.nodes] == [
        ("node-301", "answered"),
        ("node-302", "answered"),
        ("node-303", "refused"),
    ]
    assert document.released_at == federation.clock()
    assert document.checkpoint.startswith("hub\n")


def test_a_refusal_without_a_reason_has_one_in_the_release(federation: PlayedFederation) -> None:
    """A release needs a word for every absence; a node that gives none cannot hold it up."""
    query_id = federation.refuse(federation.answer(federation.start(), "node-301", "node-302"), "node-303", "", "")
    assert table_of(federation, query_id).absent == {"303": "refused"}


def test_nothing_is_released_when_nobody_answers(federation: PlayedFederation) -> None:
    """All refused, or all late: the query is unfinished, and whoever fetches its release hears so."""
    refused, late = federation.start(), federation.start()
    for node in NODES:
        federation.refuse(refused, node)
    assert status_of(federation, refused).state is QueryState.UNFINISHED
    time_is_up(federation)
    assert status_of(federation, late).state is QueryState.UNFINISHED
    with pytest.raises(ProblemRaised, match="unfinished: nothing has been released"):
        released(federation, late)


def test_the_releases_id_comes_from_what_was_asked_and_what_is_released(federation: PlayedFederation) -> None:
    """The same table for the same manifest has the same id; another figure or another manifest has another."""
    query_id = federation.answer(federation.start(), *NODES)
    query = find_query(federation.hub, query_id, federation.member("ana"))
    table, name = table_of(federation, query_id), released(federation, query_id).release_id
    assert release.name_release(query, table) == name
    replies = read_replies(federation.hub, query.digest)
    fewer = combine_replies(federation.hub, query, {node: replies[node] for node in NODES[:2]})
    other = find_query(federation.hub, federation.start(), federation.member("ana"))
    assert len({name, release.name_release(query, fewer), release.name_release(other, table)}) == 3


# --- Nodes that send something else --------------------------------------------------------------------------------


def first_figure(table: dict[str, Any], figure: object) -> None:
    table["rows"][0][1] = figure


POISON: dict[str, Spoil] = {
    "no table": dict.clear,
    "a small count": lambda table: first_figure(table, 5),
    "an exact count": lambda table: first_figure(table, 43),
    "a negative count": lambda table: first_figure(table, -10),
    "more children than there are": lambda table: first_figure(table, 10**30),
    "a fraction": lambda table: first_figure(table, 10.5),
    "true": lambda table: first_figure(table, True),
    "a figure as text": lambda table: first_figure(table, "10"),
    "an absence that it claims": lambda table: first_figure(table, "x"),
    "no symbol": lambda table: first_figure(table, "?"),
    "a list": lambda table: first_figure(table, [10]),
    "a null": lambda table: first_figure(table, None),
    "a row too few": lambda table: table["rows"].pop(),
    "a row too many": lambda table: table["rows"].append(table["rows"][0]),
    "rows in another order": lambda table: table["rows"].reverse(),
    "a column too many": lambda table: table["rows"][0].append(10),
    "another plan": lambda table: table.update(plan_id="plan-" + "0" * 32),
    "another preset": lambda table: table.update(preset="dfe_cla"),
    "another version of the preset": lambda table: table.update(preset_version="99"),
    "other columns": lambda table: table["columns"].reverse(),
    "a key too many": lambda table: table.update(comment="see these children"),
}


@pytest.mark.parametrize("spoil", POISON.values(), ids=list(POISON))
def test_a_table_that_was_not_protected_as_agreed_is_not_shown(federation: PlayedFederation, spoil: Spoil) -> None:
    """All of its authority's rows are x, for a reason that quotes nothing; the others are released."""
    query_id = federation.answer(federation.start(), "node-301", "node-303")
    table = honest_table(federation, query_id, "node-302")
    spoil(table)
    accept(federation, query_id, "node-302", {"table": table})
    settle_query(federation.hub, query_id)
    made = table_of(federation, query_id)
    assert made.absent == {"302": "malformed_answer"}
    assert {figure for row in rows_of(made, "302") for figure in row} == {"x"}
    assert "x" not in {figure for row in rows_of(made, "301") for figure in row}
    assert_carries(federation, query_id, "node-301", "node-303")


def assert_carries(federation: PlayedFederation, query_id: str, *nodes: str) -> None:
    """The release has the signed replies of these nodes and of no other, and its reader can verify it."""
    document, query = released(federation, query_id), find_query(federation.hub, query_id, federation.member("ana"))
    assert tuple(reply.signers[0] for reply in document.replies) == nodes
    verify_release(document, query.envelope, query.plan, federation.hub.register())


def test_a_release_carries_what_the_nodes_signed(federation: PlayedFederation) -> None:
    """Answers and refusals, as they came; but no answer that was not protected as agreed, whatever it holds."""
    query_id = federation.refuse(federation.answer(federation.start(), "node-301"), "node-302")
    accept(federation, query_id, "node-303", {"table": {"children": "of these there are 3"}})
    settle_query(federation.hub, query_id)
    assert_carries(federation, query_id, "node-301", "node-302")


def test_an_answer_without_a_table_is_not_shown(federation: PlayedFederation) -> None:
    query_id = federation.answer(federation.start(), "node-301", "node-303")
    accept(federation, query_id, "node-302", {"table": None})
    settle_query(federation.hub, query_id)
    assert table_of(federation, query_id).absent == {"302": "malformed_answer"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PlayedFederation, str]]:
    """A query that two nodes have answered."""
    federation = found_federation(tmp_path_factory.mktemp("release"))
    yield federation, federation.answer(federation.start(), "node-301", "node-302")
    federation.hub.database.close()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(data=st.data())
def test_whatever_a_node_sends_the_others_are_released(
    running: tuple[PlayedFederation, str], data: st.DataObject
) -> None:
    """An honest table with anything anywhere in it: shown only where the preset could have printed it."""
    federation, query_id = running
    query = find_query(federation.hub, query_id, federation.member("ana"))
    table = honest_table(federation, query_id, "node-303")
    place = data.draw(st.sampled_from([*table, "row", "figure"]))
    value = data.draw(JSON)
    if place == "row":
        table["rows"][data.draw(st.integers(0, len(table["rows"]) - 1))] = value
    elif place == "figure":
        table["rows"][0][data.draw(st.integers(0, len(table["columns"]) - 1))] = value
    else:
        table[place] = value
    replies = dict(read_replies(federation.hub, query.digest))
    replies["node-303"] = make_answer(replies["node-301"], table)
    made = combine_replies(federation.hub, query, replies)
    assert len(made.rows) == 3 * query.cells
    shown = {figure for row in rows_of(made, "303") for figure in row if isinstance(figure, int)}
    assert all((figure >= 10 and figure % 5 == 0) or figure == 0 for figure in shown)


def make_answer(like: Reply, table: object) -> Reply:
    """What node-303 says, holding any table."""
    fields = {name: getattr(like, name) for name in like.__struct_fields__}
    return Reply(**{**fields, "node": "node-303", "authority": "303", "table": table})


# --- Once, and in the end ------------------------------------------------------------------------------------------


def test_two_last_replies_at_once_make_one_release(federation: PlayedFederation) -> None:
    """Whichever comes last, and though both look: one document, one entry in the log."""
    query_id = federation.answer(federation.start(), "node-301")
    replies = {node: write_reply(federation, query_id, node) for node in NODES[1:]}
    barrier = threading.Barrier(len(replies))

    def reply(node: str) -> None:
        barrier.wait()
        accept_reply(federation.hub, federation.member(node), replies[node])
        barrier.wait()
        settle_query(federation.hub, query_id)
        federation.hub.database.close()

    threads = [threading.Thread(target=reply, args=(node,)) for node in replies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert status_of(federation, query_id).state is QueryState.RELEASED
    assert count_of(federation, Action.QUERY_RELEASED) == 1
    assert table_of(federation, query_id).absent == {}


@pytest.mark.parametrize("woken_by", ["a node's poll", "a look at its status", "the hub's next start"])
def test_a_hub_stopped_before_the_release_makes_it_later(federation: PlayedFederation, woken_by: str) -> None:
    """The last reply was stored and the hub killed; nobody replies again, since nobody needs to."""
    query_id = federation.start()
    for node in NODES:
        accept(federation, query_id, node)
    assert status_of(federation, query_id).state is QueryState.RUNNING
    if woken_by == "the hub's next start":
        federation.hub.database.close()
        reopened = open_hub(federation.hub.party.directory, federation.clock)
        settle_due(reopened, federation.clock())
        reopened.database.close()
    else:
        door = ("node-301", "/federation/inbox") if woken_by == "a node's poll" else ("ana", f"/api/queries/{query_id}")
        assert gather(federation).call(door[0], "GET", door[1]).status_code == 200
    assert status_of(federation, query_id).state is QueryState.RELEASED
    assert table_of(federation, query_id).absent == {}


def test_settling_again_changes_nothing(federation: PlayedFederation) -> None:
    query_id = federation.answer(federation.start(), *NODES)
    document = released(federation, query_id)
    settle_query(federation.hub, query_id)
    time_is_up(federation)
    assert released(federation, query_id) == document
    assert count_of(federation, Action.QUERY_RELEASED) == 1


def test_a_reply_that_comes_in_meanwhile_is_not_left_out(
    federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Combining takes a while; what is released is what had come in when it is released."""
    query_id = federation.answer(federation.start(), "node-301")
    query = find_query(federation.hub, query_id, federation.member("ana"))
    combine = release.combine_replies

    def combine_slowly(*arguments: Any) -> ReleasedTable:
        accept(federation, query_id, "node-302")
        monkeypatch.setattr(release, "combine_replies", combine)
        return combine(*arguments)

    monkeypatch.setattr(release, "combine_replies", combine_slowly)
    release.finish_query(federation.hub, query, federation.clock())
    assert status_of(federation, query_id).state is QueryState.RUNNING
    time_is_up(federation)
    assert table_of(federation, query_id).absent == {"303": "late"}


def test_trouble_with_one_query_stays_with_it(
    federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The polls of all nodes come by where queries are settled: none fails, and the other query is released."""
    spoilt, other = federation.start(), federation.start()
    combine = release.combine_replies

    def combine_one(hub: Any, query: queries.StoredQuery, replies: Mapping[str, Reply]) -> ReleasedTable:
        if query.query_id == spoilt:
            raise RuntimeError("SECRET-VALUE")
        return combine(hub, query, replies)

    monkeypatch.setattr(release, "combine_replies", combine_one)
    with caplog.at_level(logging.ERROR, "circe.hub"):
        for query_id in (spoilt, other):
            federation.answer(query_id, *NODES)
        assert gather(federation).call("node-301", "GET", "/federation/inbox").status_code == 200
    assert status_of(federation, spoilt).state is QueryState.RUNNING
    assert status_of(federation, other).state is QueryState.RELEASED
    assert f"{spoilt} cannot be settled now: RuntimeError at test_release.py" in caplog.text
    assert "SECRET" not in caplog.text
    monkeypatch.setattr(release, "combine_replies", combine)
    settle_due(federation.hub, federation.clock())
    assert status_of(federation, spoilt).state is QueryState.RELEASED


# --- What the gate refuses -----------------------------------------------------------------------------------------


def assert_withheld(federation: PlayedFederation, query_id: str) -> None:
    """Nothing is released, for good, and the log says so."""
    assert status_of(federation, query_id).state is QueryState.UNFINISHED
    assert count_of(federation, Action.QUERY_WITHHELD) == 1
    assert count_of(federation, Action.QUERY_RELEASED) == 0
    with pytest.raises(ProblemRaised, match="nothing has been released"):
        released(federation, query_id)


def test_nothing_is_released_under_another_preset_than_was_approved(
    federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hub whose software brings another version of the preset does not release what was approved under the old."""
    query_id = federation.start()
    newer = replace(load_preset("ons_10_5"), version="99")
    monkeypatch.setattr(releases, "load_preset", lambda _: newer)
    assert_withheld(federation, federation.answer(query_id, *NODES))


def test_nothing_is_released_under_another_plan_than_was_approved(
    federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor by a planner that makes another plan of the SQL, or none any more; what there is can still be listed."""
    query_id = federation.start()
    for node in NODES:
        accept(federation, query_id, node)

    def refuse(sql: str) -> None:
        raise ProblemRaised(422, "unknown_column", "there is no such column any more")

    monkeypatch.setattr(queries, "plan_draft", refuse)
    settle_due(federation.hub, federation.clock())
    assert_withheld(federation, query_id)
    assert [query.query_id for query in queries.list_queries(federation.hub, federation.member("ana"))] == [query_id]


@pytest.mark.parametrize("authorities", [(), ("301", "302")], ids=["none", "two"])
def test_nothing_is_released_without_a_place_for_every_node(
    federation: PlayedFederation, authorities: tuple[str, ...]
) -> None:
    """A node of the roster that serves no authority of its own any more has no rows, and a row is never left out."""
    query_id = federation.answer(federation.start(), "node-301", "node-303")
    federation.change_member("node-301", revoked=True)
    federation.change_member("node-302", authorities=authorities)
    time_is_up(federation)
    assert_withheld(federation, query_id)


def test_an_answer_stays_its_authoritys_though_the_register_moves_on(federation: PlayedFederation) -> None:
    """A node that has answered and left the federation has its rows under the authority that it answered for."""
    query_id = federation.answer(federation.start(), "node-301", "node-302")
    before = copy.deepcopy(honest_table(federation, query_id, "node-301")["rows"][0][1])
    federation.change_member("node-301", revoked=True)
    federation.refuse(query_id, "node-303")
    table = table_of(federation, query_id)
    assert rows_of(table, "301")[0][0] == before
    assert table.absent == {"303": "history_full"}


def test_outcomes_are_words_that_the_release_knows() -> None:
    """The hub compares them as texts where they stand beside the reply."""
    assert {Outcome.ANSWERED, Outcome.REFUSED} == set(Outcome) == {"answered", "refused"}
