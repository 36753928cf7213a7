"""`circe bench NAME`: what the system does in how much time and memory, on the machine it is asked on.

Each measurement lives with what it measures, and is imported only when it is asked for.
"""

import importlib
import json
import os
import platform
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import click

BENCHES: Mapping[str, tuple[str, str]] = {
    "load": ("node.bench.load:load", "Loading a census into a node, stage by stage."),
    "query": ("federation.commands.bench_query:query", "Planning and answering the questions of the policy paper."),
    "secure-sum": (
        "federation.commands.bench_secure_sum:secure_sum",
        "Adding up with masks and without, beside Flower's SecAgg+.",
    ),
    "federation": (
        "federation.commands.bench_federation:federation",
        "From approval to release, all nodes and the hub on this machine.",
    ),
    "lookup": ("node.bench.lookup:lookup", "Looking children up at every other node, sealed, through a real hub."),
    "policy": ("node.bench.policy:policy", "Children's rows unfiltered, filtered by policy, and decided one by one."),
    "cell-key": (
        "federation.commands.bench_cell_key:cell_key",
        "How often averaging undoes cell keys, by number of questions.",
    ),
    "noise": ("federation.commands.bench_noise:noise", "A node's share of the noise, beside the question itself."),
    "noise-audit": (
        "federation.commands.bench_noise_audit:noise_audit",
        "What each mechanism of noise lets an attacker tell, beside its claim.",
    ),
    "utility": (
        "node.bench.utility:utility",
        "What is left of national figures, protected at each node first, or as a sum.",
    ),
    "disclosure": (
        "federation.commands.bench_disclosure:disclosure",
        "Protecting tables with proof, beside G-Confid and tau-Argus.",
    ),
    "audit": (
        "federation.commands.bench_audit:audit_bench",
        "An audit log: durable appends, proofs and verifying, beside pymerkle.",
    ),
    "hub": ("hub.bench.load:load", "A hub that many ask and read at once, its workers killed at random: what is lost?"),
    "gate": ("hub.bench.gate:gate", "Setting a release against all that were released before it."),
}
"""Every measurement: where it lives and what it measures."""

Row = Mapping[str, str | int | float]

T = TypeVar("T")


class BenchGroup(click.Group):
    """A group that imports a measurement only to make it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the measurements in their order."""
        return list(BENCHES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one measurement."""
        if cmd_name not in BENCHES:
            return None
        module, attribute = BENCHES[cmd_name][0].split(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of measurements without importing them."""
        with formatter.section("Measurements"):
            formatter.write_dl([(name, text) for name, (_, text) in BENCHES.items()])


@click.group(cls=BenchGroup)
def bench() -> None:
    """Measure what the system does, on this machine."""


def tell_stage(line: str) -> None:
    """Say on standard error how far a measurement is."""
    click.echo(line, err=True)


def time_each(made: Iterable[T]) -> Iterator[tuple[T, float]]:
    """Each of what is made one after the other, with the seconds of CPU that it took."""
    begun = time.process_time()
    for each in made:
        yield each, time.process_time() - begun
        begun = time.process_time()


def print_rows(name: str, rows: Sequence[Row], form: str) -> None:
    """Print a measurement: one JSON document with the machine it was made on, or a table."""
    if form == "json":
        click.echo(json.dumps({"name": name, "machine": describe_machine(), "rows": [dict(row) for row in rows]}))
        return
    columns = list(dict.fromkeys(column for row in rows for column in row))
    cells = [columns, *([_written(row.get(column, "")) for column in columns] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
    for line in cells:
        click.echo(
            "  ".join(
                _aligned(cell, width, place) for place, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
        )


def describe_machine() -> dict[str, str | int]:
    """What the figures were measured on."""
    return {
        "system": platform.platform(),
        "processor": next(_processor_names(), platform.machine()),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        "python": platform.python_version(),
    }


def _processor_names() -> Iterator[str]:
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.exists() else []
    return (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))


def _written(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:,}"


def _aligned(cell: str, width: int, place: int) -> str:
    return cell.rjust(width) if place else cell.ljust(width)
