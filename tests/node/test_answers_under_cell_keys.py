"""A node's own rows under cell keys: changed by the table, alike from snapshot to snapshot, and few in a year."""

import shutil
import sqlite3
from datetime import timedelta

import duckdb
import msgspec
import pytest

from audit.event import Action
from audit.log import read_entries
from disclosure_control.cell_key.tables import FOLDER
from disclosure_control.presets.shipped import FOLDER as PRESETS
from federation.manifest import Outcome, Reply
from federation.preset_terms import state_preset
from node.answering import answer_manifest
from node.service import Node
from node.snapshots import seal_snapshot
from tests.node.keyed import (
    COUNTED,
    PROVISIONS,
    SHARED,
    TERMS,
    WHERE,
    accept_cell_keys,
    count_by_hand,
    keyed_manifest,
    print_by_hand,
    rows_by_hand,
)
from tests.projects import make_project
from tests.small_federation import SmallFederation, read_reply

AUTHORITY = "301"


@pytest.fixture
def keyed(federation: SmallFederation) -> SmallFederation:
    """A federation of which one authority accepts cell keys."""
    accept_cell_keys(federation, AUTHORITY)
    return federation


def ask(federation: SmallFederation, sql: str = COUNTED, /, **changes: object) -> Reply:
    data = answer_manifest(federation.node(AUTHORITY), federation.sign(keyed_manifest(federation, sql, **changes)))
    assert data is not None
    return read_reply(data)


def rows_of(reply: Reply) -> list[list[object]]:
    assert (reply.outcome, reply.code) == (Outcome.ANSWERED, ""), reply.text
    assert reply.table is not None
    found: list[list[object]] = reply.table["rows"]
    return found


def given(node: Node) -> list[int]:
    rows = node.database.connection.execute("SELECT answers FROM cell_key_answers ORDER BY rowid")
    return [row["answers"] for row in rows]


def publish_without_one(node: Node) -> str | None:
    """A new snapshot of the same term that lacks one child; returns the child's provision."""
    current = node.store.current()
    assert current is not None
    with node.store.staging() as stage:
        shutil.copytree(current.path, stage, dirs_exist_ok=True)
        (stage / "snapshot.json").unlink()
        rows = stage / current.tables["child_year"].relative_to(current.path)
        with duckdb.connect(":memory:") as connection:
            picked = f"SELECT child, sen_provision FROM read_parquet('{rows}') {WHERE} AND sen_provision = 'none'"
            found = connection.execute(f"{picked} ORDER BY child LIMIT 1").fetchone()
            assert found is not None
            kept = f"SELECT * FROM read_parquet('{rows}') WHERE child <> '{found[0]}'"
            connection.execute(f"COPY ({kept}) TO '{rows}.new' (FORMAT parquet)")
        (rows.parent / f"{rows.name}.new").replace(rows)
        made = current.created + timedelta(hours=1)
        seal_snapshot(stage, term=current.term, academic_years=current.academic_years, created=made)
        node.store.publish(stage)
    return str(found[1])


# --- What is printed -------------------------------------------------------------------------------------------------


def test_rows_are_the_table_applied_to_counts_and_keys_of_the_rows(keyed: SmallFederation) -> None:
    """By plain SQL over the snapshot's own file, and the row of the table."""
    current = keyed.node(AUTHORITY).store.current()
    assert current is not None
    rows = rows_of(ask(keyed))
    assert rows == rows_by_hand([current.tables["child_year"]])
    exact = [count for count, _ in count_by_hand([current.tables["child_year"]]).values()]
    assert [row[1] for row in rows] != exact


def test_a_share_is_that_of_the_changed_counts_beside_it(keyed: SmallFederation) -> None:
    for _, children, girls, share in rows_of(ask(keyed, SHARED)):
        if "c" in (children, girls):
            assert share == "c"
        elif children == 0:
            # The keys are drawn anew for each federation, and may change a count of a few to none.
            assert share == "z"
        else:
            assert isinstance(children, int)
            assert isinstance(girls, int)
            assert abs(float(str(share)) - min(1, girls / children)) <= 0.0005


def test_a_snapshot_later_rows_of_the_same_children_are_the_same(keyed: SmallFederation) -> None:
    """One child fewer changes the count and the key of one row, and no other."""
    node = keyed.node(AUTHORITY)
    first = rows_of(ask(keyed))
    gone = publish_without_one(node)
    second = rows_of(ask(keyed))
    current = node.store.current()
    assert current is not None
    counted = count_by_hand([current.tables["child_year"]])
    assert second == [[each, print_by_hand(*counted[each])] for each in PROVISIONS]
    assert [row for row in first if row[0] != gone] == [row for row in second if row[0] != gone]


# --- How often -------------------------------------------------------------------------------------------------------


def test_answers_are_counted_and_then_refused(keyed: SmallFederation) -> None:
    """Four answers about a table and year, whatever the questions; a fifth is refused before anything is run."""
    for column in ("sex", "key_stage", "school_type"):
        rows_of(ask(keyed, COUNTED.replace("sen_provision", column)))
    two = ask(keyed, COUNTED.replace("AS children", "AS children, COUNT(*) AS n"))
    assert (two.outcome, two.code) == (Outcome.REFUSED, "answers_used")
    assert "3 of 4 answers about child_year of 202425 under cell keys are given" in two.text
    rows_of(ask(keyed))
    assert ask(keyed, COUNTED.replace("sen_provision", "uasc")).code == "answers_used"
    assert given(keyed.node(AUTHORITY)) == [1, 1, 1, 1]


def test_totals_of_a_question_are_answers_of_their_own(keyed: SmallFederation) -> None:
    rolled = COUNTED.replace("GROUP BY sen_provision", "GROUP BY ROLLUP (sen_provision)")
    rows_of(ask(keyed, rolled))
    assert given(keyed.node(AUTHORITY)) == [2]


def test_the_same_question_again_is_the_same_answer_and_costs_nothing(keyed: SmallFederation) -> None:
    spelled = COUNTED.replace("AND counted_here", "AND counted_here = TRUE").replace("AS children", "AS n")
    assert rows_of(ask(keyed)) == rows_of(ask(keyed)) == rows_of(ask(keyed, spelled))
    assert given(keyed.node(AUTHORITY)) == [1]


def test_another_snapshot_does_not_begin_anew(keyed: SmallFederation) -> None:
    """Most children are the same there: a load that changes one row would otherwise double the answers."""
    rows_of(ask(keyed, SHARED))
    publish_without_one(keyed.node(AUTHORITY))
    assert ask(keyed, SHARED).code == "answers_used"


def test_an_authority_can_give_fewer(keyed: SmallFederation) -> None:
    keyed.change_rule(AUTHORITY, "answers_per_year = 4", "answers_per_year = 1")
    rows_of(ask(keyed))
    assert ask(keyed, COUNTED.replace("sen_provision", "sex")).code == "answers_used"


def test_an_answer_is_counted_with_its_entry_in_the_log_or_not_at_all(
    keyed: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = keyed.node(AUTHORITY)

    def break_down(*_: object) -> None:
        raise sqlite3.OperationalError("disk full")

    envelope = keyed.sign(keyed_manifest(keyed))
    with monkeypatch.context() as patched:
        patched.setattr(type(node.database.log), "append", break_down)
        with pytest.raises(sqlite3.OperationalError):
            answer_manifest(node, envelope)
    assert given(keyed.node(AUTHORITY)) == []
    assert answer_manifest(node, envelope) is not None
    assert given(keyed.node(AUTHORITY)) == [1]
    entries = [each.to_event() for each in read_entries(node.database.connection, action=Action.QUERY_RECEIVED)]
    assert len(entries) == 1


# --- On whose terms --------------------------------------------------------------------------------------------------


def test_an_authority_that_does_not_name_the_preset_refuses_it(federation: SmallFederation) -> None:
    assert ask(federation).code == "preset_barred"


@pytest.mark.parametrize(
    "terms",
    [
        pytest.param(msgspec.structs.replace(TERMS, answers=50), id="more answers"),
        pytest.param(msgspec.structs.replace(TERMS, table="0" * 64), id="another table"),
        pytest.param(msgspec.structs.replace(TERMS, most=2), id="smaller changes"),
    ],
)
def test_terms_that_are_not_the_presets_are_refused(keyed: SmallFederation, terms: object) -> None:
    assert ask(keyed, cell_key=terms).code == "preset_differs"


def test_cell_keys_cannot_be_left_out_of_the_manifest(keyed: SmallFederation) -> None:
    plain = keyed.manifest(COUNTED)
    assert ask(keyed, cell_key=None, plan_id=plain.plan_id).code == "preset_differs"
    assert ask(keyed, plan_id=plain.plan_id).code == "plan_differs"


def test_a_table_that_this_node_lacks_is_asked_for_by_its_digest(keyed: SmallFederation) -> None:
    """A stricter preset of one's own, of a table whose file is not here; once it is, the question is answered."""
    text = (PRESETS / "ons_cell_key.toml").read_text().replace("answers = 4", "answers = 3")
    text = text.replace('name = "ons_cell_key"', 'name = "ours"\nfloor = "ons_cell_key"')
    presets = keyed.directory / f"node-{AUTHORITY}" / "presets"
    presets.mkdir()
    (presets / "ours.toml").write_text(text)
    keyed.change_rule(AUTHORITY, '"ons_cell_key"]', '"ons_cell_key", "ours"]')
    ours = keyed.node(AUTHORITY).party.presets.load("ours")
    said = {"project": make_project(askers=["ana@ucl"], presets=["ours"]), **state_preset(ours)}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("disclosure_control.cell_key.tables.FOLDER", presets)
        assert ask(keyed, **said).code == "ptable_absent"
        shutil.copy(FOLDER / "d15v25.csv", presets / "table.csv")
        rows_of(ask(keyed, **said))


def test_figures_that_are_no_counts_are_refused_with_what_to_ask(keyed: SmallFederation) -> None:
    sql = f"SELECT sen_provision, AVG(placements) AS mean FROM child_year {WHERE} GROUP BY sen_provision"
    manifest = msgspec.structs.replace(keyed_manifest(keyed), sql=sql)
    data = answer_manifest(keyed.node(AUTHORITY), keyed.sign(manifest))
    assert data is not None
    reply = read_reply(data)
    assert (reply.code, reply.text.startswith("the cell-key method changes counts")) == ("cell_keys", True)
