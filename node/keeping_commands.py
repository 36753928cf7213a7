"""`circe node metrics`, `backup`, `restore` and `restored`: keeping a node running, and putting it back."""

from pathlib import Path

import click

from federation.service_log import LOG

STATE = click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), required=True, help="The node's own directory."
)


@click.command()
@STATE
@click.option("--serve", "bind", default="", metavar="HOST:PORT", help="Serve them at 127.0.0.1:PORT.")
@LOG
def metrics(state: Path, bind: str) -> None:
    """Print how the node does for Prometheus, or serve that to this machine until stopped; nothing of any child."""
    from functools import partial

    from federation.metrics import show_metrics
    from node.metrics import read_metrics
    from node.service import open_node

    opened = open_node(state)
    show_metrics(partial(read_metrics, opened, opened.clock), bind)


@click.command()
@STATE
@click.option("--into", "target", type=click.Path(path_type=Path, dir_okay=False), required=True, help="A new file.")
def backup(state: Path, target: Path) -> None:
    """Write a backup of the node's directory to one file, while the node runs. It holds keys and records: guard it."""
    from federation.backups import back_up
    from node.service import open_node

    opened = open_node(state)
    made = back_up(state, opened.party.member_id, target, opened.clock())
    click.echo(f"{target}: {len(made.files)} files of {made.member}", err=True)


@click.command()
@STATE
@click.argument("backup", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def restore(state: Path, backup: Path) -> None:
    """Put a BACKUP back into a directory of its own, check its log, and erase what must not be used a second time."""
    from federation.backups import put_back, verify_restored

    click.echo(verify_restored(state, put_back(backup, state)), err=True)
    click.echo(erase_sums(state), err=True)


@click.command()
@STATE
def restored(state: Path) -> None:
    """Say that the node's directory was put back from a copy: it erases every key of secure sums, and sits out a week.

    What the copy does not know, such as the slots that were used since, must never be done a second time.
    """
    click.echo(erase_sums(state))


def erase_sums(state: Path) -> str:
    """Erase every key of secure sums in a directory, and say of which weeks."""
    from node.service import open_node
    from node.sums.preparing import erase_epochs

    opened = open_node(state)
    epochs = opened.sums.epochs()
    erase_epochs(opened, epochs)
    return f"erased the keys of {', '.join(epochs) or 'no week: there were none'}"
