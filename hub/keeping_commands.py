"""`circe hub metrics`, `backup` and `restore`: keeping the hub running, and putting it back."""

from pathlib import Path

import click

from federation.service_log import LOG

STATE = click.option("--state", type=click.Path(path_type=Path, file_okay=False), required=True)


@click.command()
@STATE
@click.option("--serve", "bind", default="", metavar="HOST:PORT", help="Serve them at 127.0.0.1:PORT.")
@LOG
def metrics(state: Path, bind: str) -> None:
    """Print how the hub does for Prometheus, or serve that to this machine until stopped."""
    from functools import partial

    from federation.metrics import show_metrics
    from hub.metrics import read_metrics
    from hub.service import open_hub

    opened = open_hub(state)
    show_metrics(partial(read_metrics, opened, opened.clock), bind)


@click.command()
@STATE
@click.option("--into", "target", type=click.Path(path_type=Path, dir_okay=False), required=True, help="A new file.")
def backup(state: Path, target: Path) -> None:
    """Write a backup of the hub's directory to one file, while the hub runs. It holds the hub's keys: guard it."""
    from audit.state import read_address
    from federation.backups import back_up
    from hub.service import open_hub

    if read_address(state):
        text = "this hub keeps its state on a PostgreSQL server: back that up with pg_dump, and copy this directory"
        raise click.UsageError(text)
    opened = open_hub(state)
    made = back_up(state, opened.party.member_id, target, opened.clock())
    click.echo(f"{target}: {len(made.files)} files of {made.member}", err=True)


@click.command()
@STATE
@click.argument("backup", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def restore(state: Path, backup: Path) -> None:
    """Put a BACKUP back into a directory of its own, and check its log. What was released since is in no log then."""
    from federation.backups import put_back, verify_restored

    click.echo(verify_restored(state, put_back(backup, state)), err=True)
