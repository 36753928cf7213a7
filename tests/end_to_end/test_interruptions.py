"""Killing the hub and the nodes at awkward moments: nothing is lost, nothing is done twice, nothing hangs.

Real processes, killed with SIGKILL and started again on the same state; the researcher and the officers are the client
library in this process.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from audit.event import Action
from audit.log import read_entries
from audit.verifier import verify_log
from federation.client import FederationClient, connect
from federation.exchange import QueryDraft, QueryState, QueryStatus
from federation.hub_line import HubUnreachable
from federation.processes import held_port
from federation.state import join_federation, open_party, read_root_key
from hub.projects import keep_project
from hub.query_states import UNDER_WAY
from hub.service import open_hub
from node.answering import answer_manifest, reserve_question
from node.checklist import open_manifest
from tests.projects import make_project
from tests.small_federation import QUESTION, SmallFederation, read_reply

PATIENCE = 30.0
DRAFT = QueryDraft(
    project="attendance",
    purpose="A question of the tests",
    sql=QUESTION,
    academic_year="202425",
    preset="opensafely",
    roster=None,
    valid_hours=1,
)


class Processes:
    """The hub and the nodes as processes that can be killed."""

    def __init__(self, federation: SmallFederation, port: int) -> None:
        self.federation, self.port = federation, port
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *members: str) -> None:
        for member in members:
            state = str(self.federation.directory / member)
            words = ["hub", "serve", "--bind", f"127.0.0.1:{self.port}"] if member == "hub" else ["node", "serve"]
            self.running[member] = subprocess.Popen(
                [sys.executable, "-m", "federation.cli", *words, "--state", state],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def kill(self, *members: str) -> None:
        for member in members:
            process = self.running.pop(member)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def processes(federation: SmallFederation) -> Iterator[Processes]:
    """A federation whose members have joined a hub on a port of this machine."""
    key = read_root_key((federation.directory / "root" / "root.pub").read_text())
    with held_port() as port:
        for profile in federation.directory.glob("*/member.toml"):
            join_federation(open_party(profile.parent), key, f"http://127.0.0.1:{port}")
        hub = open_hub(federation.directory / "hub")
        keep_project(hub, make_project("attendance", ["ana@ucl"], ["opensafely"]))
        hub.database.close()
        found = Processes(federation, port)
        yield found
        found.kill(*found.running)


def eventually(attempt: Callable[[], QueryStatus]) -> QueryStatus:
    """Return what `attempt` gives once the hub answers, within the test's patience."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return attempt()
        except HubUnreachable:
            assert time.monotonic() < deadline, "the hub did not come back"


def client(federation: SmallFederation, member: str) -> FederationClient:
    return connect(federation.directory / member)


def submit_and_approve(federation: SmallFederation) -> str:
    """Ask as the researcher, approve as two officers, and return the query's id."""
    with client(federation, "ana@ucl") as ana:
        query_id = eventually(lambda: ana.submit(DRAFT)).query_id
    for officer in ("officer@la-203", "officer@dfe"):
        with client(federation, officer) as approver:
            approver.sign(approver.review(query_id))
    return query_id


def settled(federation: SmallFederation, query_id: str) -> QueryStatus:
    """Follow a query until it is settled, through whatever happens to the hub."""
    deadline = time.monotonic() + PATIENCE
    with client(federation, "ana@ucl") as ana:
        status = eventually(lambda: ana.status(query_id))
        while status.state in UNDER_WAY:
            assert time.monotonic() < deadline, f"still running; {[node.outcome for node in status.nodes]}"
            status = eventually(lambda: ana.status(query_id))
    return status


def count(federation: SmallFederation, authority: str, action: Action) -> int:
    """How often a node's log says that something was done."""
    return sum(1 for _ in read_entries(federation.node(authority).database.connection, action=action))


def assert_done_once(federation: SmallFederation, query_id: str) -> None:
    """Released with every authority in it; each node ran it once; every log verifies."""
    status = settled(federation, query_id)
    assert status.state is QueryState.RELEASED
    assert [node.outcome for node in status.nodes] == ["answered"] * len(federation.authorities)
    with client(federation, "ana@ucl") as ana:
        release = ana.fetch(query_id)
    assert {row[0] for row in release.table["rows"]} == set(federation.authorities)
    for authority in federation.authorities:
        assert count(federation, authority, Action.QUERY_RECEIVED) == 1
        assert count(federation, authority, Action.QUERY_ANSWERED) == 1
    for member in ("hub", *federation.roster):
        party = open_party(federation.directory / member)
        assert_verified(party.database, party.member_id, party.keys.public_log_key)


def assert_verified(database: Path, origin: str, key: bytes) -> None:
    import sqlite3

    connection = sqlite3.connect(database)
    verify_log(connection, origin, key)
    connection.close()


@pytest.mark.processes
def test_the_hub_is_killed_after_approval(processes: Processes) -> None:
    """Approved, then the hub dies before any node has asked: it goes on from its database."""
    processes.start("hub")
    query_id = submit_and_approve(processes.federation)
    processes.kill("hub")
    processes.start("hub", *processes.federation.roster)
    assert_done_once(processes.federation, query_id)


@pytest.mark.processes
def test_the_hub_is_killed_while_nodes_answer(processes: Processes) -> None:
    """The hub dies as soon as one node has answered, and comes back: the other nodes ask again."""
    processes.start("hub", *processes.federation.roster)
    query_id = submit_and_approve(processes.federation)
    deadline = time.monotonic() + PATIENCE
    while not any(
        count(processes.federation, code, Action.QUERY_ANSWERED) for code in processes.federation.authorities
    ):
        assert time.monotonic() < deadline
    processes.kill("hub")
    processes.start("hub")
    assert_done_once(processes.federation, query_id)


@pytest.mark.processes
def test_nodes_are_killed_while_they_answer(processes: Processes) -> None:
    """Every node dies when the first has reserved the question, and goes on where it was when started again."""
    processes.start("hub", *processes.federation.roster)
    query_id = submit_and_approve(processes.federation)
    deadline = time.monotonic() + PATIENCE
    while not any(
        count(processes.federation, code, Action.QUERY_RECEIVED) for code in processes.federation.authorities
    ):
        assert time.monotonic() < deadline
    processes.kill(*processes.federation.roster)
    processes.start(*processes.federation.roster)
    assert_done_once(processes.federation, query_id)


@pytest.mark.processes
def test_a_node_that_was_away_answers_when_it_is_back(processes: Processes) -> None:
    """A node that is off when the query is approved finds it in its inbox later."""
    first, *others = processes.federation.roster
    processes.start("hub", *others)
    query_id = submit_and_approve(processes.federation)
    processes.start(first)
    assert_done_once(processes.federation, query_id)


def test_a_node_stopped_between_reserving_and_answering_goes_on(federation: SmallFederation) -> None:
    """The intent is in the log and the reply is not: the same manifest again is run, once."""
    from federation.envelope import read_envelope
    from federation.manifest import MANIFEST_TYPE

    node = federation.node("301")
    manifest = federation.manifest()
    data = federation.sign(manifest)
    reserve_question(node, open_manifest(node, read_envelope(data, MANIFEST_TYPE), manifest))
    assert (count(federation, "301", Action.QUERY_RECEIVED), count(federation, "301", Action.QUERY_ANSWERED)) == (1, 0)
    reply = answer_manifest(federation.node("301"), data)
    assert reply is not None
    assert read_reply(reply).table is not None
    assert (count(federation, "301", Action.QUERY_RECEIVED), count(federation, "301", Action.QUERY_ANSWERED)) == (1, 1)


def test_a_query_that_no_node_answers_is_reported_as_unfinished(federation: SmallFederation) -> None:
    """When its time is up, a running query without answers is unfinished, and an unapproved one has expired."""
    from federation.envelope import Signature, read_envelope
    from federation.manifest import MANIFEST_TYPE
    from hub.drafting import draft_query
    from hub.queries import find_query
    from hub.settling import settle_due
    from hub.signing import sign_query
    from hub.standing import describe_query

    hub = open_hub(federation.directory / "hub", federation.clock)
    keep_project(hub, make_project("attendance", ["ana@ucl"], ["opensafely"]))
    ana = hub.register().find("ana@ucl", federation.clock())

    def sign(query_id: str, member: str) -> None:
        signer = hub.register().find(member, federation.clock())
        query = find_query(hub, query_id, signer)
        envelope = federation.sign(query.manifest, (member,))
        (signature,) = read_envelope(envelope, MANIFEST_TYPE).signatures
        assert isinstance(signature, Signature)
        sign_query(hub, query_id, signature, signer)

    running, waiting = draft_query(hub, DRAFT, ana), draft_query(hub, DRAFT, ana)
    for member in ("ana@ucl", "officer@la-203", "officer@dfe"):
        sign(running, member)
    sign(waiting, "ana@ucl")
    federation.clock.move(timedelta(hours=1))
    settle_due(hub, federation.clock())
    states = {query: describe_query(hub, find_query(hub, query, ana)).state for query in (running, waiting)}
    assert states == {running: QueryState.UNFINISHED, waiting: QueryState.EXPIRED}
