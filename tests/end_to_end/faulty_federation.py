"""A federation of real processes behind a bad network, and what must hold of every sum that is asked through it."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Any

import msgspec
import numpy as np
import pytest

from audit.verifier import verify_log
from disclosure_control.noise.shares import capped_from_vector, raw_from_vector, vector_of
from disclosure_control.presets.shipped import load_preset
from disclosure_control.release.totals import release_exact_total
from disclosure_control.rows.others import reckon_others
from federation.client import FederationClient, connect
from federation.envelope import Envelope
from federation.exchange import QueryDraft, RunDraft
from federation.manifest import Path as LeavingPath
from federation.plans import derive_plan
from federation.processes import held_port
from federation.state import join_federation, open_party, read_root_key
from hub.projects import keep_project
from hub.query_states import UNDER_WAY
from hub.service import open_hub
from node.engines import open_engine
from query_engine.planning.plan import QueryPlan
from tests.end_to_end.faulty_network import Link
from tests.node.sums.standing import Standing
from tests.projects import make_project
from tests.small_federation import SmallFederation

SQL = (
    "SELECT key_stage, COUNT(DISTINCT child) AS children FROM child_year "
    "WHERE academic_year = 202425 AND population = 'looked_after' AND counted_here GROUP BY key_stage"
)
EXACT_SQL = SQL.replace("key_stage", "age").replace("looked_after", "care_leaver")
"""About others: what is measured by one path goes by no other."""

DRAFT = QueryDraft(
    project="attendance",
    purpose="A sum through a bad network",
    sql=SQL,
    academic_year="202425",
    preset="ons_10_5",
    roster=None,
    valid_hours=1,
    path=LeavingPath.NOISY_SUM,
    epsilon="20",
    dropouts=2,
    colluders=1,
)

GATHER_SECONDS = 4
"""Instead of five minutes: how long the hub waits for every node."""

OPENING_SECONDS = 12
"""Instead of fifteen minutes: how long an attempt lasts after that, where too few are left to call it off."""

COMMAND = "from federation.cli import main; main()"
IMPATIENT = f"""
import datetime, federation.sum_terms, hub.sums.beginning
federation.sum_terms.GATHER_SECONDS = {GATHER_SECONDS}
hub.sums.beginning.OPENING_TIME = datetime.timedelta(seconds={OPENING_SECONDS})
"""
"""The hub waits for less long than usual: what happens when its patience ends is to happen here as well."""

LED_ASTRAY = """
import socket
connect = socket.create_connection
socket.create_connection = lambda address, *rest, **more: connect((address[0], {port}), *rest, **more)
"""
"""A node knows the hub by its own address, which it signs in each request; its link is where that leads."""

PATIENCE = 120.0
"""Seconds after the network is mended in which every sum is settled, and after a start in which slots are dealt."""

FEWEST = 4
"""Nodes that a noisy sum is over at least: six less the two that may be missing. An exact one is over all."""

EITHER_WAY = 3
"""How far the noise may move a figure. A mask that is left in, or taken off wrongly, moves it anywhere in 2^64."""


def eventually(holds: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Look again and again whether something holds, for as long as patience lasts."""
    assert wait_until(holds, patience), f"not within {patience:.0f} s: {what}"


def wait_until(holds: Callable[[], bool], patience: float) -> bool:
    """Look again and again whether something holds; say whether it did in time."""
    deadline, never = time.monotonic() + patience, threading.Event()
    while not holds():
        if time.monotonic() > deadline:
            return False
        never.wait(0.01)
    return True


@dataclass
class FaultyFederation:
    """The members' state, the links of the nodes, and the processes: one for each."""

    federation: SmallFederation
    port: int
    links: Mapping[str, Link]
    running: dict[str, subprocess.Popen[bytes]]
    gather_seconds: int = GATHER_SECONDS
    """How long an exact sum waits for every node: longer on a machine on which they take longer."""

    # --- Processes ---------------------------------------------------------------------------------------------------

    def start(self, *names: str) -> None:
        """Start the hub or nodes, on the state that is there."""
        for name in names:
            words = ["hub", "serve", "--bind", f"127.0.0.1:{self.port}"] if name == "hub" else ["node", "serve"]
            begin = LED_ASTRAY.format(port=self.links[name].port) if name in self.links else IMPATIENT
            with (self.federation.directory / f"{name}.log").open("ab") as log:
                self.running[name] = subprocess.Popen(
                    [sys.executable, "-c", begin + COMMAND, *words, "--state", str(self.federation.directory / name)],
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def kill(self, *names: str) -> None:
        """Kill them with no chance to tidy up."""
        for name in names:
            process = self.running.pop(name)
            assert process.poll() is None, f"{name} had died by itself"
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    # --- What the hub knows, read from its files ---------------------------------------------------------------------

    def ask_hub(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """Read from the hub's database, beside the hub."""
        address = f"file:{open_party(self.federation.directory / 'hub').database}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=30)) as connection:
            return connection.execute(query, values).fetchall()

    def has_slots(self) -> bool:
        """Whether there are slots to spare for the roster of all nodes, should an attempt fail."""
        found = self.ask_hub(
            "SELECT count(*) FROM sum_slots JOIN sum_rosters USING (roster) WHERE state = 'ready' AND name = 'england'"
        )
        return found[0] >= (2,)

    def count_arrivals(self, query_id: str, kind: str) -> int:
        """How much of a kind has come in for a query and is there still."""
        rows = self.ask_hub(
            "SELECT count(*) FROM sum_arrivals JOIN queries USING (digest) WHERE query_id = ? AND kind = ?",
            query_id,
            kind,
        )
        return int(str(rows[0][0]))

    def is_settled(self, query_id: str) -> bool:
        """Whether a query has come to an end."""
        ((state,),) = self.ask_hub("SELECT state FROM queries WHERE query_id = ?", query_id)
        return state not in UNDER_WAY

    def answers(self) -> bool:
        """Whether the hub is there to be asked."""
        try:
            with closing(socket.create_connection(("127.0.0.1", self.port), timeout=5)):
                return True
        except OSError:
            return False

    def attempts_of(self, query_id: str) -> list[tuple[object, ...]]:
        """The attempts at a query: their state, and whether they were for fewer than the whole roster."""
        return self.ask_hub(
            "SELECT sum_attempts.state, survivors IS NOT NULL FROM sum_attempts JOIN queries USING (digest) "
            "WHERE query_id = ? ORDER BY number",
            query_id,
        )

    # --- A sum -------------------------------------------------------------------------------------------------------

    def client(self, member: str) -> FederationClient:
        """A person's own software, on a good line to the hub."""
        return connect(self.federation.directory / member)

    @cached_property
    def template(self) -> Envelope:
        """A standing question for exact sums, approved once for all runs."""
        return self._approve_template(self.gather_seconds)

    def _approve_template(self, gather_seconds: int) -> Envelope:
        standing = Standing(self.federation, sql=EXACT_SQL, parameters=(), most_runs=1000)
        terms = msgspec.structs.replace(standing.template.terms, gather_seconds=gather_seconds)
        standing.template = msgspec.structs.replace(standing.template, terms=terms)
        return standing.sign_template()

    def add_up_first(self) -> None:
        """Have the first exact sum taken, which fixes whom all others are over: it waits for everybody.

        How long they take says for how long the others wait at least.
        """
        began = time.monotonic()
        first = self._run(self._approve_template(int(PATIENCE)))
        eventually(lambda: self.is_settled(first), "the first exact sum")
        self.gather_seconds = max(GATHER_SECONDS, ceil(2 * (time.monotonic() - began)))
        self.check_release(first, LeavingPath.EXACT_SUM)

    def _run(self, template: Envelope) -> str:
        draft = RunDraft(template=template, choices=(), snapshot_term=DRAFT.term, valid_hours=1)
        with self.client("ana@ucl") as ana:
            return ana.submit_run(draft).query_id

    def ask(self, path: LeavingPath) -> str:
        """Ask as the researcher, by template or approved by two officers, and return the query's id."""
        if path is LeavingPath.EXACT_SUM:
            return self._run(self.template)
        with self.client("ana@ucl") as ana:
            query_id = ana.submit(DRAFT).query_id
        for officer in ("officer@la-203", "officer@dfe"):
            with self.client(officer) as approver:
                approver.sign(approver.review(query_id))
        return query_id

    @cached_property
    def exact(self) -> Mapping[str, Mapping[str, tuple[int, ...]]]:
        """Every authority's own counts for either question, worked out beside the protocol."""
        plans = {sql: derive_plan(sql, LeavingPath.EXACT_SUM) for sql in (SQL, EXACT_SQL)}
        return {
            sql: {code: tuple(self._count(code, plan)) for code in self.federation.authorities}
            for sql, plan in plans.items()
        }

    def _count(self, code: str, plan: QueryPlan) -> list[int]:
        node = self.federation.node(code)
        with closing(node.database):
            snapshot = node.store.newest(DRAFT.term)
            assert snapshot is not None
            with open_engine(node, snapshot) as engine:
                return vector_of(engine.run(plan)).values

    def add_up(self, codes: Iterable[str], sql: str = SQL) -> tuple[int, ...]:
        """The plain sum over these authorities."""
        return tuple(map(sum, zip(*(self.exact[sql][code] for code in codes), strict=True)))

    def check_release(self, query_id: str, path: LeavingPath) -> None:
        """Hold what was released to the plain sum over those that it names."""
        with self.client("ana@ucl") as ana:
            table = ana.fetch(query_id).table
        assert sorted((*table["answered"], *table["absent"])) == sorted(self.federation.authorities)
        if path is LeavingPath.EXACT_SUM:
            self._check_exact(query_id, table)
        else:
            self._check_noisy(query_id, table)

    def _check_exact(self, query_id: str, table: Mapping[str, Any]) -> None:
        """It is over everybody, and to the last figure what the gate makes of the plain sum."""
        assert sorted(table["answered"]) == sorted(self.federation.authorities)
        assert self.attempts_of(query_id)[-1] == ("opened", 0)
        plan = derive_plan(EXACT_SQL, LeavingPath.EXACT_SUM)
        values = [each % 2**64 for each in self.add_up(self.federation.authorities, EXACT_SQL)]
        raw = raw_from_vector(plan, values)
        others = reckon_others(raw, capped_from_vector(plan, values), 1)
        shown = release_exact_total(plan, raw, others, self.federation.authorities, {}, load_preset(DRAFT.preset))
        assert table["rows"] == shown.to_json()["rows"], f"{query_id} is not the sum over everybody"

    def _check_noisy(self, query_id: str, table: Mapping[str, Any]) -> None:
        """It is over enough, and near the plain sum over them."""
        plan, answered = derive_plan(SQL, LeavingPath.EXACT_SUM), tuple(table["answered"])
        assert len(answered) >= FEWEST
        released = {row[0]: int(row[1]) for row in table["rows"]}
        plain = dict(zip((cell[0] for cell in plan.iter_cells()), self.add_up(answered)[: plan.cells], strict=True))
        assert released.keys() == plain.keys()
        far = {cell for cell, figure in plain.items() if abs(released[cell] - figure) > EITHER_WAY}
        assert not far, f"{query_id} is not the sum over {answered}"

    def check_logs(self) -> None:
        """Every log verifies."""
        for member in ("hub", *self.federation.roster):
            party = open_party(self.federation.directory / member)
            with closing(sqlite3.connect(party.database, timeout=30)) as connection:
                verify_log(connection, party.member_id, party.keys.public_log_key)

    # --- What the hub may not know -----------------------------------------------------------------------------------

    def read_hub_files(self) -> bytes:
        """Everything that stands in the hub's files."""
        paths = sorted((self.federation.directory / "hub").rglob("*"))
        return b"".join(path.read_bytes() for path in paths if path.is_file())

    def secrets_of(self, query_id: str) -> set[bytes]:
        """The shares of the slots that a query used, and every node's figures before they were masked."""
        ((digest,),) = self.ask_hub("SELECT digest FROM queries WHERE query_id = ?", query_id)
        plain = (values for each in self.exact.values() for values in each.values())
        found = {np.array(values, dtype="<u8").tobytes() for values in plain}
        for name in self.federation.roster:
            with closing(sqlite3.connect(open_party(self.federation.directory / name).database)) as connection:
                for pair in connection.execute(SHARES, (digest,)):
                    found.update(pair)
                for (noised,) in connection.execute(FIGURES, (digest,)):
                    found.add(bytes(noised))
        return found

    def check_nothing_leaked(self, query_id: str) -> int:
        """Look for every secret of a query in the hub's files, and return for how many that was."""
        content, secrets = self.read_hub_files(), self.secrets_of(query_id)
        assert not any(form in content for secret in secrets for form in spell(secret)), "the hub kept a secret"
        return len(secrets)


SHARES = (
    "SELECT seed_share, unlock_share FROM sum_parcels JOIN sum_slots_used USING (roster_digest, slot) "
    "WHERE manifest_digest = ?"
)
FIGURES = "SELECT noised FROM sum_figures WHERE manifest_digest = ?"


def spell(secret: bytes) -> Iterator[bytes]:
    """The ways in which bytes may stand in a file: as they are, in base64, and in base64 within base64."""
    once = b64encode(secret)[: len(secret) // 3 * 4]
    yield from (secret, once)
    for shift in range(3):
        yield b64encode(once[shift : shift + (len(once) - shift) // 3 * 3])


@contextmanager
def running_federation(federation: SmallFederation) -> Iterator[FaultyFederation]:
    """The members as processes: a hub, people on good lines, and nodes behind links; slots are dealt for sums."""
    with ExitStack() as stack:
        port = stack.enter_context(held_port())
        links = {name: stack.enter_context(Link(port, seed)) for seed, name in enumerate(federation.roster)}
        _join(federation, port)
        found = FaultyFederation(federation, port, links, {})
        stack.callback(lambda: found.kill(*found.running))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr("federation.sum_terms.GATHER_SECONDS", GATHER_SECONDS)
        found.start("hub", *federation.roster)
        eventually(found.has_slots, "slots for the roster of all nodes")
        found.add_up_first()
        yield found


def _join(federation: SmallFederation, port: int) -> None:
    key = read_root_key((federation.directory / "root" / "root.pub").read_text())
    for profile in federation.directory.glob("*/member.toml"):
        join_federation(open_party(profile.parent), key, f"http://127.0.0.1:{port}")
    for code in federation.authorities:
        federation.change_rule(code, 'most_epsilon = "1"', 'most_epsilon = "20"')
        federation.change_rule(code, 'most_epsilon_per_year = "10"', 'most_epsilon_per_year = "99999"')
        federation.change_rule(code, 'most_epsilon_per_project = "5"', 'most_epsilon_per_project = "99999"')
    with closing((hub := open_hub(federation.directory / "hub")).database):
        keep_project(hub, make_project("attendance", ["ana@ucl"], [DRAFT.preset]))
