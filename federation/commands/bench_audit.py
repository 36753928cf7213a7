"""`circe bench audit`: what a log takes, and gives, in how much time; beside PyPI's `pymerkle`."""

import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import click

import audit
from federation.commands.bench import Row, print_rows

PYMERKLE_SCRIPT = Path(audit.__file__).with_name("pymerkle_measurement.py")
LONGEST_SECONDS = 3600


@click.command(name="audit")
@click.option("--singly", default=2_000, show_default=True, type=click.IntRange(1), help="Events appended one by one.")
@click.option("--batched", default=100_000, show_default=True, type=click.IntRange(1), help="Appended in batches.")
@click.option("--large", default=1_000_000, show_default=True, type=click.IntRange(3), help="Entries of the large log.")
@click.option(
    "--directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where to write the logs: durable means its disk. Without it, where temporary files go.",
)
@click.option(
    "--pymerkle",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A Python that has pymerkle installed, in an environment of its own; without it that is left out.",
)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def audit_bench(
    singly: int, batched: int, large: int, directory: Path | None, pymerkle: Path | None, form: str
) -> None:
    """Measure durable appends, proofs from a large log, and verifying it whole, on one core."""
    from audit.measurement import BATCH, measure_appends, measure_large_log

    with TemporaryDirectory(dir=directory) as name:
        click.echo(f"appending {singly} events one by one, and {batched} in batches", err=True)
        found: list[Row] = [
            measure_appends(Path(name), singly, batch=1),
            measure_appends(Path(name), batched, batch=BATCH),
        ]
        click.echo(f"making a log of {large} entries, proving some and verifying all", err=True)
        found += measure_large_log(Path(name), large)
    if pymerkle is None:
        click.echo("pymerkle is left out: give a Python that has it with --pymerkle", err=True)
    else:
        found += _measure_pymerkle(pymerkle, singly, batched, large)
    print_rows("audit", found, form)


def _measure_pymerkle(python: Path, *sizes: int) -> list[Row]:
    """Have pymerkle's own Python measure the same; nothing of ours is imported there."""
    click.echo("the same by pymerkle", err=True)
    words = [str(python), "-I", str(PYMERKLE_SCRIPT), *map(str, sizes)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=LONGEST_SECONDS)  # noqa: S603
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = (error.stderr or "").strip().splitlines() if isinstance(error.stderr, str) else []
        reason = said[-1] if said else f"nothing after {LONGEST_SECONDS} s"
        raise click.ClickException(f"pymerkle could not be measured with {python}: {reason}") from None
    return [json.loads(line) for line in done.stdout.splitlines()]
