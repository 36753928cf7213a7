"""Other snapshots of a year: what a mended record would tell by the difference of two answers, and what it does not."""

import shutil
from datetime import timedelta

import duckdb

from federation.manifest import Outcome, Reply
from node.answering import answer_manifest
from node.service import Node
from node.snapshots import seal_snapshot
from tests.small_federation import SmallFederation, read_reply

AUTHORITY, SUMMER = "301", "202425-summer"
CHILDREN = "FROM child_year WHERE academic_year = 202425 AND counted_here"
ALL, BY_SEX = f"SELECT COUNT(*) AS n {CHILDREN}", f"SELECT sex, COUNT(*) AS n {CHILDREN} GROUP BY sex"


def publish_without(node: Node, children: int, term: str = SUMMER) -> str:
    """Load a snapshot that lacks some children of the one in use; returns its id."""
    current = node.store.current()
    assert current is not None
    with node.store.staging() as stage:
        shutil.copytree(current.path, stage, dirs_exist_ok=True)
        rows = stage / current.tables["child_year"].relative_to(current.path)
        with duckdb.connect(":memory:") as connection:
            gone = f"SELECT DISTINCT child {CHILDREN} ORDER BY child LIMIT {children}".replace(
                "child_year", f"read_parquet('{rows}')"
            )
            kept = f"SELECT * FROM read_parquet('{rows}') WHERE child NOT IN ({gone})"
            connection.execute(f"COPY ({kept}) TO '{rows}.new' (FORMAT parquet)")
        (rows.parent / f"{rows.name}.new").replace(rows)
        made = current.created + timedelta(hours=1)
        seal_snapshot(stage, term=term, academic_years=current.academic_years, created=made)
        return node.store.publish(stage).id


def ask(federation: SmallFederation, sql: str, term: str = SUMMER) -> Reply:
    node = federation.node(AUTHORITY)
    data = answer_manifest(node, federation.sign(federation.manifest(sql, snapshot_term=term)))
    assert data is not None
    return read_reply(data)


def test_a_mended_record_is_in_no_further_answer_of_its_term(federation: SmallFederation) -> None:
    """A hub that is told of a load asks the same again, and something else: neither is answered from the new one."""
    node = federation.node(AUTHORITY)
    before = ask(federation, BY_SEX)
    mended = publish_without(node, 30)
    again, other = ask(federation, BY_SEX), ask(federation, ALL)
    assert before.snapshot == again.snapshot == other.snapshot != mended
    assert before.table is not None
    assert again.table is not None
    assert before.table["rows"] == again.table["rows"]


def test_a_load_before_anybody_asked_is_what_is_answered_from(federation: SmallFederation) -> None:
    mended = publish_without(federation.node(AUTHORITY), 1)
    assert ask(federation, BY_SEX).snapshot == mended


def test_an_authority_can_replace_a_load_that_was_wrong_altogether(federation: SmallFederation) -> None:
    before = ask(federation, BY_SEX)
    mended = publish_without(federation.node(AUTHORITY), 60)
    federation.change_rule(AUTHORITY, "snapshots_per_term = 1", "snapshots_per_term = 2")
    assert ask(federation, BY_SEX).snapshot == mended != before.snapshot
    federation.change_rule(AUTHORITY, "snapshots_per_term = 2", "snapshots_per_term = 1")
    assert ask(federation, ALL).snapshot == mended


def test_where_the_snapshot_is_gone_rows_of_its_term_are_refused(federation: SmallFederation) -> None:
    node = federation.node(AUTHORITY)
    before = ask(federation, BY_SEX)
    publish_without(node, 1)
    node.store.destroy(before.snapshot)
    assert ask(federation, ALL).code == "snapshot_absent"


def test_rows_of_a_year_leave_of_as_many_terms_as_the_rules_say(federation: SmallFederation) -> None:
    federation.change_rule(AUTHORITY, "terms_per_year = 3", "terms_per_year = 2")
    node, later, last = federation.node(AUTHORITY), "202526-autumn", "202526-spring"
    assert ask(federation, ALL).outcome is Outcome.ANSWERED
    publish_without(node, 1, later)
    assert ask(federation, ALL, later).snapshot.startswith(later)
    publish_without(node, 1, last)
    assert ask(federation, ALL, last).code == "terms_used"
    assert ask(federation, BY_SEX, later).outcome is Outcome.ANSWERED
