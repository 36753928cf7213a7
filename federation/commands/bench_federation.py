"""`circe bench federation`: from approval to release, all nodes and the hub on this machine, masked and unmasked."""

import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from federation.commands.bench import Row, print_rows

if TYPE_CHECKING:
    from federation.processes import Stagehands

PATIENCE = 300.0
"""Seconds that any one part of the measurement may take."""


@click.command()
@click.option("--authorities", type=click.IntRange(5, 153), default=153, show_default=True)
@click.option("--nodes-per-process", type=click.IntRange(1, 153), default=8, show_default=True)
@click.option("--rounds", type=click.IntRange(1, 3), default=3, show_default=True, help="How often each is asked.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def federation(authorities: int, nodes_per_process: int, rounds: int, form: str) -> None:
    """Measure a noisy sum and the same question unmasked, from the last approval to the release, stage by stage."""
    from federation.processes import Stagehands

    hands, directory = Stagehands(), Path(tempfile.mkdtemp(prefix="circe-bench-"))
    try:
        rows = measure(hands, directory, authorities, nodes_per_process, rounds)
    finally:
        hands.stop_services()
    shutil.rmtree(directory)  # Kept where something failed: the logs are in it.
    print_rows("federation", rows, form)


def measure(hands: "Stagehands", directory: Path, authorities: int, together: int, rounds: int) -> list[Row]:
    """Set a federation up, have it prepare, and ask; return every stage with its seconds.

    A first round warms both paths up and is not counted. After it each path goes first in its turn, and nothing is
    asked before every slot that was used is made up for. Beside each total stands the processor time that the question
    took, at the hub and on average at a node; nodes that share a process share what it has verified and rendered.
    """
    from federation.fan_out import ask, watch_preparing
    from federation.manifest import Path as LeavingPath
    from federation.processes import cpu_seconds
    from federation.rehearsal import set_up, start

    began = time.monotonic()
    rehearsal = set_up(hands, directory, authorities)
    hub, nodes = start(hands, rehearsal, together)

    def spent() -> tuple[float, float]:
        at_nodes = sum(cpu_seconds(each.process.pid) for each in nodes)
        return cpu_seconds(hub.process.pid), at_nodes / authorities

    ahead = [("set up", time.monotonic() - began), *watch_preparing(hands, rehearsal, PATIENCE)]
    rows = [_row(authorities, 0, "ahead", stage, seconds) for stage, seconds in ahead]
    paths = [(LeavingPath.PER_AUTHORITY, "total_unmasked"), (LeavingPath.NOISY_SUM, "total")]
    for turn in range(rounds + 1):
        for path, total in paths if turn % 2 else reversed(paths):
            before = spent()
            cells, stages = ask(hands, rehearsal, path, PATIENCE)
            at_hub, at_node = (late - early for early, late in zip(before, spent(), strict=True))
            if turn:
                rows += [_row(authorities, cells, str(path), stage, seconds) for stage, seconds in stages]
                whole = _row(authorities, cells, str(path), total, sum(seconds for _, seconds in stages))
                rows.append({**whole, "hub_cpu_s": round(at_hub, 2), "node_cpu_ms": round(1000 * at_node, 1)})
            for _ in watch_preparing(hands, rehearsal, PATIENCE):
                pass
    return rows


def _row(authorities: int, cells: int, path: str, stage: str, seconds: float) -> Row:
    return {
        "authorities": authorities,
        "cells": cells,
        "path": path,
        "stage": stage,
        "seconds": round(seconds, 3),
    }
