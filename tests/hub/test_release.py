"""What is released: every authority's rows, nothing that a preset would not print, once, whatever happens meanwhile."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.event import Action
from audit.log import read_entries
from federation.exchange import NodeProgress, QueryState, QueryStatus
from federation.manifest import Reply
from federation.problems import ProblemRaised
from federation.register import OrganisationKind
from federation.releases import name_release, verify_release
from federation.wire import decode_document, encode_document
from hub.dispatch import read_replies
from hub.endings import end_refused
from hub.gate import Verdict, judge_rows
from hub.queries import find_for_release, find_query
from hub.release import combine_replies
from hub.settling import settle_query
from query_engine.planning.plan import QueryPlan
from tests.hub.played_federation import AUTHORITIES, NODES, PlayedFederation, found_federation
from tests.hub.replies import accept, honest_table, released, rows_of, status_of, table_of, time_is_up

Spoil = Callable[[dict[str, Any]], object]


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


def test_a_release_is_of_the_moment_at_which_it_is_stored_and_logged(
    federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attack takes its time: whoever reads the release holds its moment against what nodes signed, and the log."""
    began = federation.clock()

    def judge_slowly(*arguments: Any) -> Verdict:
        federation.clock.advance(timedelta(minutes=20))
        return judge_rows(*arguments)

    monkeypatch.setattr("hub.release.judge_rows", judge_slowly)
    document = released(federation, federation.answer(federation.start(), *NODES))
    assert document.released_at == federation.clock() == began + timedelta(minutes=20)
    (entry,) = read_entries(federation.hub.database.connection, action=Action.QUERY_RELEASED)
    assert entry.to_event().at == document.released_at


def test_a_refusal_without_a_reason_has_one_in_the_release(federation: PlayedFederation) -> None:
    """A release needs a word for every absence; a node that gives none cannot hold it up."""
    query_id = federation.refuse(federation.answer(federation.start(), "node-301", "node-302"), "node-303", "", "")
    assert table_of(federation, query_id).absent == {"303": "refused"}


def test_nothing_is_released_when_nobody_answers(federation: PlayedFederation) -> None:
    """All late, or some of them while the others refused: the query is unfinished, and its release is refused so."""
    late, refused_by_one = federation.start(), federation.start()
    federation.refuse(refused_by_one, NODES[0])
    time_is_up(federation)
    for query_id in (late, refused_by_one):
        status = status_of(federation, query_id)
        assert (status.state, status.ending) == (QueryState.UNFINISHED, None)
        with pytest.raises(ProblemRaised, match="unfinished: nothing has been released"):
            released(federation, query_id)


def test_what_every_authority_refuses_is_refused(federation: PlayedFederation) -> None:
    """It says at which authorities and for what reasons, the commonest first, beside what each of their nodes said."""
    query_id = federation.start()
    for node, code in zip(NODES, ("path_barred", "plan_differs", "plan_differs"), strict=True):
        federation.refuse(query_id, node, code, "we cannot")
    status = status_of(federation, query_id)
    assert (status.state, [node.code for node in status.nodes].count("plan_differs")) == (QueryState.REFUSED, 2)
    assert status.ending is not None
    assert (status.ending.by, status.ending.reason) == (
        "hub",
        "every authority that was asked refused it: plan_differs at authorities 302, 303; path_barred at authority 301",
    )
    entry = next(iter(read_entries(federation.hub.database.connection, reference=query_id))).to_event()
    assert (entry.action, entry.actor, entry.purpose) == (Action.QUERY_UNFINISHED, "hub", status.ending.reason)
    told = "refused: nothing has been released; it ended on 23 November 2026: every authority that was asked refused it"
    with pytest.raises(ProblemRaised, match=told):
        released(federation, query_id)


def test_reasons_without_end_do_not_make_a_status_unreadable(federation: PlayedFederation) -> None:
    """Nodes choose their codes: what is said of them together stays a line that every reader takes in."""
    said = [
        NodeProgress(node=f"node-{code}", authority=code, outcome="refused", code=f"{'a' * 60}{code}", text="")
        for code in map(str, range(201, 354))
    ]
    query = find_query(federation.hub, federation.start(), federation.member("ana"))
    with federation.hub.database.transaction() as connection:
        end_refused(federation.hub, connection, query, said, "every authority that was asked refused it")
    status = status_of(federation, query.query_id)
    assert decode_document(encode_document(status), QueryStatus) == status
    assert status.ending is not None
    assert status.ending.reason.endswith("; and 148 more reasons")


def test_the_releases_id_comes_from_what_was_asked_and_what_is_released(federation: PlayedFederation) -> None:
    """The same table for the same manifest has the same id; another figure or another manifest has another."""
    query_id = federation.answer(federation.start(), *NODES)
    query = find_query(federation.hub, query_id, federation.member("ana"))
    table, name = table_of(federation, query_id), released(federation, query_id).release_id
    assert name_release(query.digest, table.to_json()) == name
    replies = read_replies(federation.hub, query.digest)
    fewer = combine_replies(federation.hub, query, {node: replies[node] for node in NODES[:2]})
    other = find_query(federation.hub, federation.start(), federation.member("ana"))
    others = name_release(query.digest, fewer.to_json()), name_release(other.digest, table.to_json())
    assert len({name, *others}) == 3


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


def test_what_is_released_is_for_everybody_who_may_have_aggregates(federation: PlayedFederation) -> None:
    """Not before: a query that is not theirs does not exist for them until then."""
    hub, bea = federation.hub, federation.member("bea")
    query_id = federation.start()
    with pytest.raises(ProblemRaised, match="query of that id"):
        find_for_release(hub, query_id, bea)
    federation.answer(query_id, *NODES)
    assert find_for_release(hub, query_id, bea).query_id == query_id
    with pytest.raises(ProblemRaised, match="query of that id"):
        find_query(hub, query_id, bea)
    with pytest.raises(ProblemRaised, match="query of that id"):
        find_for_release(hub, query_id, federation.member("hub"))


def test_what_authorities_alone_may_ask_about_is_read_by_authorities_alone(
    federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    query_id = federation.answer(federation.start(), *NODES)
    monkeypatch.setattr(QueryPlan, "audience", "authority")
    with pytest.raises(ProblemRaised, match="query of that id"):
        find_for_release(federation.hub, query_id, federation.member("bea"))
    theirs = msgspec.structs.replace(federation.member("bea"), organisation_kind=OrganisationKind.AUTHORITY)
    assert find_for_release(federation.hub, query_id, theirs).query_id == query_id
