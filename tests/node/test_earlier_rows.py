"""What left a node before: read once and by what makes questions neighbours, with the outcome of reading everything."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from random import Random

import pytest

from disclosure_control.linked.published import Published
from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.protected_table import ProtectedTable, read_protected
from disclosure_control.rows.protection import protect
from disclosure_control.rows.secondary import Neighbours
from federation.envelope import read_envelope
from federation.manifest import REPLY_TYPE, Outcome, Path, Reply
from federation.plans import derive_plan
from federation.wire import decode_document
from node import earlier_rows
from node.answering import answer_manifest
from node.earlier_rows import Question
from node.engines import open_engine
from node.service import Node
from tests.small_federation import SmallFederation, read_reply

AUTHORITY, TERM = "301", "202425-summer"
PRESET = load_preset("opensafely")
CHILDREN = "FROM child_year WHERE academic_year = 202425 AND counted_here"
SECRET = b"ties"

FIGURES = ("COUNT(*) AS n", "COUNT(*) AS m", "AVG(placements) AS a", "COUNT(*) AS n, SUM(placements) AS s")
GROUPS = ("sex", "ethnicity_major", "sen_provision", "key_stage")
CONDITIONS = ("age < 9", "age >= 9", "age BETWEEN 6 AND 15", "sex = 'M'", "NOT (sex = 'M')", "age >= 0")


def draw_question(draw: Random) -> str:
    """Few questions, so that some come again, in the same words or others, and some count other children."""
    group, condition = draw.choice(GROUPS), draw.choice(CONDITIONS)
    return f"SELECT {group}, {draw.choice(FIGURES)} {CHILDREN} AND {condition} GROUP BY {group}"


def ask(federation: SmallFederation, node: Node, sql: str) -> Reply:
    data = answer_manifest(node, federation.sign(federation.manifest(sql)))
    assert data is not None
    return read_reply(data)


def question_of(node: Node, sql: str) -> Question:
    snapshot = node.store.newest(TERM)
    assert snapshot is not None
    return Question(derive_plan(sql, Path.PER_AUTHORITY), "202425", snapshot.id, PRESET)


def read_everything(node: Node) -> Iterator[tuple[Published, ProtectedTable]]:
    """Every reply of the node, one after the other, as whoever remembers nothing reads them."""
    rows = node.database.connection.execute(
        "SELECT sql, implied, reply FROM manifests JOIN rows_asked USING (digest) "
        "WHERE reply IS NOT NULL ORDER BY reserved_at, digest"
    )
    for row in rows.fetchall():
        reply = decode_document(read_envelope(row["reply"], REPLY_TYPE).body, Reply)
        if reply.outcome is Outcome.ANSWERED:
            plan = derive_plan(row["sql"], Path.PER_AUTHORITY)
            table = read_protected(reply.table, plan, PRESET)
            implied = {(place, label): count for place, label, count in json.loads(row["implied"])}
            yield Published(reply.query_id, plan, PRESET, table.rows, implied=implied), table


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.deep) for seed in range(2, 20))])
def test_a_table_is_protected_as_it_is_beside_everything_that_ever_left(federation: SmallFederation, seed: int) -> None:
    node, draw = federation.node(AUTHORITY), Random(seed)
    for _ in range(6):
        ask(federation, node, draw_question(draw))
    everything = list(read_everything(node))
    for sql in [draw_question(draw) for _ in range(4)]:
        question, plan = question_of(node, sql), derive_plan(sql, Path.PER_AUTHORITY)
        same = (t for p, t in everything if p.plan.plan_id == plan.plan_id and p.plan.outputs == plan.outputs)
        repeated = node.earlier.find_repeated(node.database.connection, question)
        assert repeated == next(same, None)
        snapshot = node.store.newest(TERM)
        assert snapshot is not None
        with open_engine(node, snapshot) as engine:
            raw = engine.run(plan)
        beside = node.earlier.find_neighbours(node.database.connection, question, SECRET)
        naive = Neighbours(tuple(published for published, _ in everything), SECRET)
        assert protect(raw, PRESET, beside) == protect(raw, PRESET, naive)
        assert len(beside.earlier) <= len(naive.earlier)


def test_each_reply_is_decoded_once(federation: SmallFederation, monkeypatch: pytest.MonkeyPatch) -> None:
    node, decoded = federation.node(AUTHORITY), list[str]()
    questions = [f"SELECT {each}, COUNT(*) AS n {CHILDREN} GROUP BY {each}" for each in GROUPS]

    def read(*arguments: object) -> object:
        decoded.append(str(arguments[1]))
        return read_reply_once(*arguments)  # type: ignore[arg-type]

    read_reply_once = earlier_rows._read
    monkeypatch.setattr(earlier_rows, "_read", read)
    for sql in (*questions, *questions, questions[0]):
        ask(federation, node, sql)
    assert len(decoded) == len(set(decoded))
    assert len(decoded) <= 2 * len(questions)


def test_what_counts_other_children_is_no_neighbour(federation: SmallFederation) -> None:
    node = federation.node(AUTHORITY)
    young, old = (f"SELECT sex, COUNT(*) AS n {CHILDREN} AND age {each} GROUP BY sex" for each in ("< 9", "> 12"))
    for sql in (young, old):
        ask(federation, node, sql)
    question = question_of(node, f"SELECT COUNT(*) AS n {CHILDREN} AND age < 6")
    (beside,) = node.earlier.find_neighbours(node.database.connection, question, SECRET).earlier
    assert beside.plan == derive_plan(
        f"SELECT sex, COUNT(*) AS n {CHILDREN} AND age < 9 GROUP BY sex", Path.PER_AUTHORITY
    )


def test_what_left_under_another_preset_is_a_neighbour(federation: SmallFederation) -> None:
    """No two presets stand in one year: were there two nevertheless, each is looked at beside the other."""
    node = federation.node(AUTHORITY)
    reply = ask(federation, node, f"SELECT sex, COUNT(*) AS n {CHILDREN} GROUP BY sex")
    question = replace(question_of(node, f"SELECT COUNT(*) AS n {CHILDREN}"), preset=load_preset("ukllc"))
    (beside,) = node.earlier.find_neighbours(node.database.connection, question, SECRET).earlier
    assert (beside.name, beside.preset) == (reply.query_id, PRESET)


KEPT = 5_000


def find_one(node: Node, question: Question) -> None:
    """Find that a question was not asked before, and has one neighbour."""
    assert node.earlier.find_repeated(node.database.connection, question) is None
    assert len(node.earlier.find_neighbours(node.database.connection, question, SECRET).earlier) == 1


def count_calls(node: Node, question: Question) -> int:
    """How many functions of ours are called for that."""
    calls: list[str] = []
    sys.setprofile(lambda frame, event, _: calls.append(frame.f_code.co_name) if event == "call" else None)
    try:
        find_one(node, question)
    finally:
        sys.setprofile(None)
    return len(calls)


def count_steps(node: Node, question: Question) -> int:
    """How many steps the database takes for that."""
    steps = count()
    node.database.connection.set_progress_handler(lambda: next(steps) < 0, 1)
    find_one(node, question)
    node.database.connection.set_progress_handler(None, 0)
    return next(steps)


def test_the_next_answer_takes_no_longer_after_five_thousand(federation: SmallFederation) -> None:
    """Fifty questions about each of a hundred subjects, each a hundred times, of which one subject is asked about.

    The database steps through them, a few dozen steps each, which takes it some milliseconds; nothing is called here
    for each.
    """
    node = federation.node(AUTHORITY)
    sql = f"SELECT sex, COUNT(*) AS n {CHILDREN} GROUP BY sex"
    ask(federation, node, sql)
    (row,) = node.database.connection.execute("SELECT * FROM manifests").fetchall()
    kept = dict(row)
    with node.database.transaction() as connection:
        for number in range(KEPT):
            own = {"digest": f"{number:064x}", "nonce": f"{number:064x}", "plan_id": f"plan-{number % 50}"}
            values = {**kept, **own, "subject": kept["subject"] if number % 2 else f"child_year/{100000 + number}"}
            connection.execute(f"INSERT INTO manifests VALUES ({', '.join('?' * len(values))})", tuple(values.values()))
            connection.execute("INSERT INTO rows_asked VALUES (?, ?, '[]')", (own["digest"], sql))
    question = question_of(node, f"SELECT ethnicity_major, COUNT(*) AS n {CHILDREN} GROUP BY ethnicity_major")
    find_one(node, question)
    assert 0 < count_calls(node, question) < KEPT
    assert 0 < count_steps(node, question) < 40 * KEPT
