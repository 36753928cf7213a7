"""`circe bench lookup`: one node asks all the others, and the answers come back sealed, on this machine.

A real hub and real nodes, each with keys and a directory of its own, and with a snapshot in which some children are at
school in the asking authority. What is timed is a lookup as a page of the asking node makes it, from the question until
the records are opened and logged. The nodes are run by one operator, so no sums are prepared beside the lookups.
"""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING

import click

from federation.commands.bench import Row, print_rows

if TYPE_CHECKING:
    from federation.envelope import Envelope
    from federation.exchange import LookupBatch, LookupProgress, SealingKeyList
    from federation.processes import Stagehands
    from federation.rehearsal import Rehearsal
    from federation.transport import HubConnection
    from node.people import Person
    from node.service import Node

OPERATOR = "service-provider"
PURPOSE = "To see how long a lookup takes"
PATIENCE = 60
"""Seconds after which a node counts as missing; then the measurement fails."""

STAGES = ("requests sealed", "handed in", "first answer", "answers in", "opened and logged")
"""What follows upon what in a lookup, each named after what is then done."""

Moments = Sequence[float]
"""When a lookup began, and when each stage was over."""


@click.command()
@click.option("--authorities", type=click.IntRange(3, 153), default=153, show_default=True)
@click.option("--nodes-per-process", type=click.IntRange(1, 153), default=51, show_default=True)
@click.option("--lookups", type=click.IntRange(2, 1000), default=20, show_default=True, help="How many are measured.")
@click.option("--warm-up", type=click.IntRange(0, 1000), default=3, show_default=True, help="How many come before.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def lookup(authorities: int, nodes_per_process: int, lookups: int, warm_up: int, form: str) -> None:
    """Measure lookups over all nodes, stage by stage, and what they cost the asking node, the hub and the others."""
    from federation.processes import Stagehands

    hands = Stagehands()
    with tempfile.TemporaryDirectory(prefix="circe-bench-") as directory:
        try:
            rows = measure_lookups(hands, Path(directory), authorities, nodes_per_process, warm_up, lookups)
        finally:
            hands.stop_services()
    print_rows("lookup", rows, form)


def measure_lookups(
    hands: "Stagehands", directory: Path, authorities: int, together: int, warm_up: int, lookups: int
) -> list[Row]:
    """Set a federation up and have one node ask, again and again. Raises `CommandFailed` where an answer is missing."""
    from federation.processes import cpu_seconds
    from federation.rehearsal import set_up, start
    from federation.transport import connect_party
    from node.service import open_node

    rehearsal = set_up(hands, directory, authorities, operator=OPERATOR)
    state, person = _choose_asker(rehearsal)
    hub, nodes = start(hands, rehearsal, together)
    meters: dict[str, Callable[[], float]] = {
        "CPU of the asking node": time.process_time,
        "CPU of the hub": lambda: cpu_seconds(hub.process.pid),
        "CPU of the other nodes": lambda: sum(cpu_seconds(each.process.pid) for each in nodes),
    }
    node = open_node(state)
    with closing(connect_party(node.party)) as connection, closing(node.database):
        children = _await_everybody(hands, node, connection, person, authorities - 1)
        timed = [_look_up(node, connection, person, meters) for _ in range(warm_up + lookups)][warm_up:]
    return [_row(authorities, children, stage, [each[stage] for each in timed]) for stage in timed[0]]


def _choose_asker(rehearsal: "Rehearsal") -> tuple[Path, "Person"]:
    """Return the node in whose schools most children of the loaded authority are, its own apart, and its new head."""
    from node.lookups.records import CHILDREN, IN_CARE_NOW
    from node.service import open_node
    from node.setting_up import enter_person
    from node.snapshots import SnapshotStore
    from node.vault import ask_vault

    snapshot = SnapshotStore(rehearsal.nodes[0] / "snapshots").current()
    assert snapshot is not None
    hosted: dict[str, int] = dict(
        ask_vault(
            {CHILDREN: snapshot.identified[CHILDREN]},
            f"SELECT host_authority, count(*) FROM {CHILDREN} WHERE {IN_CARE_NOW} GROUP BY ALL",  # noqa: S608
        )
    )
    others = dict(zip(rehearsal.authorities, rehearsal.nodes, strict=True))
    chosen = max(rehearsal.authorities[1:], key=lambda code: hosted.get(code, 0))
    enter_person(others[chosen], "vsh", "virtual_school_head", "Virtual school head")
    return others[chosen], open_node(others[chosen]).find_person("vsh")


def _await_everybody(hands: "Stagehands", node: "Node", hub: "HubConnection", person: "Person", others: int) -> int:
    """Ask until every node answers, and return how many children are found."""
    from federation.processes import CommandFailed
    from node.lookups.asking import ask_placed_here
    from node.polling import refresh_register

    refresh_register(node, hub)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        hands.check_running()
        found = ask_placed_here(node, hub, person, PURPOSE, patience=PATIENCE)
        if len(found.answers) == others and not found.missing:
            return sum(len(answer.children) for answer in found.answers)
    raise CommandFailed(f"after {PATIENCE} s not every node answers lookups: see the logs")


def _look_up(
    node: "Node", hub: "HubConnection", person: "Person", meters: Mapping[str, Callable[[], float]]
) -> dict[str, float]:
    """Make one lookup; return the seconds of each stage, of all together, and of processors."""
    from federation.processes import CommandFailed
    from node.lookups.asking import ask_placed_here

    spent = {name: meter() for name, meter in meters.items()}
    carrier = TimedCarrier(hub)
    found = ask_placed_here(node, carrier, person, PURPOSE, patience=PATIENCE)
    moments = carrier.moments()
    if found.missing:
        raise CommandFailed(f"{len(found.missing)} nodes did not answer a lookup: see the logs")
    took = dict(zip(STAGES, (after - before for before, after in pairwise(moments)), strict=True))
    cpu = {name: meter() - spent[name] for name, meter in meters.items()}
    return {**took, "total": moments[-1] - moments[0], **cpu}


class TimedCarrier:
    """The hub as an asking node sees it, and a note of when it was asked for what."""

    def __init__(self, hub: "HubConnection") -> None:
        self._hub, self._began = hub, time.perf_counter()
        self._sealed = self._handed_in = self._first = self._all_in = self._began

    def moments(self) -> Moments:
        """When the lookup began, and when each stage was over; it is over now."""
        return self._began, self._sealed, self._handed_in, self._first, self._all_in, time.perf_counter()

    def publish_sealing_key(self, key: "Envelope") -> None:
        """Pass it on."""
        self._hub.publish_sealing_key(key)

    def fetch_sealing_keys(self) -> "SealingKeyList":
        """Pass it on."""
        return self._hub.fetch_sealing_keys()

    def ask_lookup(self, batch: "LookupBatch") -> None:
        """Pass it on: the requests are sealed, and then handed in."""
        self._sealed = time.perf_counter()
        self._hub.ask_lookup(batch)
        self._handed_in = self._first = time.perf_counter()

    def fetch_lookup(self, lookup_id: str, *, wait: int, done: int = 0) -> "LookupProgress":
        """Pass it on: the first that comes back brings the first answers."""
        progress = self._hub.fetch_lookup(lookup_id, wait=wait, done=done)
        if not done and progress.answers:
            self._first = time.perf_counter()
        return progress

    def finish_lookup(self, lookup_id: str) -> None:
        """Pass it on: nobody is waited for any longer."""
        self._hub.finish_lookup(lookup_id)
        self._all_in = time.perf_counter()


def _row(authorities: int, children: int, stage: str, seconds: Sequence[float]) -> Row:
    return {
        "authorities": authorities,
        "children": children,
        "stage": stage,
        "lookups": len(seconds),
        "seconds": round(median(seconds), 3),
        "p95_seconds": round(quantiles(seconds, n=20, method="inclusive")[-1], 3),
    }
