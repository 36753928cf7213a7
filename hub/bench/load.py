"""`circe bench hub`: a hub under load whose workers are killed at random: how long pages take, and what is lost.

A real hub on a PostgreSQL server of its own, served as `circe hub serve` does. Researchers ask until every query is in
flight; then all nodes answer, each in its own time, while everybody keeps opening pages and one worker after another is
killed (SIGKILL) at moments drawn from a seed. When all queries have ended, or none has for too long, it is reckoned up
from the hub's database and its log, which is verified whole.
"""

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from federation.commands.bench import Row, print_rows, tell_stage

if TYPE_CHECKING:
    from hub.bench.scene import Played


@click.command(name="hub")
@click.option("--authorities", default=153, show_default=True, type=click.IntRange(1, 153))
@click.option("--researchers", default=50, show_default=True, type=click.IntRange(1, 200))
@click.option("--queries", default=200, show_default=True, type=click.IntRange(1, 2000), help="All in flight at once.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 16))
@click.option("--kill-every", default=10.0, show_default=True, help="Seconds between kills, on average.")
@click.option("--pace", default=2.0, show_default=True, help="Seconds that a node needs for a query, on average.")
@click.option("--pause", default=5.0, show_default=True, help="Seconds between two pages of a person, on average.")
@click.option("--seed", default=1, show_default=True)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def load(form: str, **options: float) -> None:
    """Measure a hub on which many ask, look and answer at once, while its workers are killed at random.

    It needs PostgreSQL on this machine, and starts a server of its own.
    """
    from audit.verifier import LogBroken
    from federation.processes import interrupted_by_signals
    from hub.bench.own_postgres import ServerMissing, own_server
    from hub.bench.scene import Load, play

    directory = Path(tempfile.mkdtemp(prefix="circe-bench-hub-"))
    try:
        # Stopped before its end, it leaves no server and no hub behind.
        with interrupted_by_signals(), own_server(durable=True) as server:
            played = play(directory, server.own_schema(), Load(**options), tell_stage)  # type: ignore[arg-type]
    except ServerMissing as missing:
        raise click.ClickException(f"{missing}: install it, and run this again") from None
    except LogBroken as broken:
        raise click.ClickException(f"the hub's log is broken: {broken}; see {directory}") from None
    shutil.rmtree(directory)  # Kept where something failed: the hub's messages are in it.
    for query, why in {**played.reckoning.lost, **played.reckoning.doubled}.items():
        click.echo(f"{query}: {why}", err=True)
    print_rows("hub", describe(played), form)


def describe(played: "Played") -> list[Row]:
    """A row for each kind of page and of work, then all pages, then all queries."""
    rows: list[Row] = []
    for work in sorted({each for each, _ in played.timings}):
        rows.append(_row(work, [seconds for each, seconds in played.timings if each == work]))
    rows.append(_row("page views", [seconds for each, seconds in played.timings if each.startswith("/")]))
    reckoned = {"lost": len(played.reckoning.lost), "doubled": len(played.reckoning.doubled), "kills": played.kills}
    return [*rows, {**_row("queries", played.lasted), **reckoned}]


def _row(work: str, seconds: list[float]) -> Row:
    ordered = sorted(seconds)

    def at(share: float) -> int:
        return round(1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)]) if ordered else 0

    figures = {"p50_ms": at(0.5), "p95_ms": at(0.95), "p99_ms": at(0.99)}
    return {"work": work, "count": len(ordered), **figures, "lost": 0, "doubled": 0}
