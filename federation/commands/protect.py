"""The command `circe protect`: the disclosure layer alone, on a table that somebody already has. No node and no hub."""

import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from federation.progress import say_to_a_terminal

if TYPE_CHECKING:
    from disclosure_control.suppression.hierarchy import Hierarchy

SECRET_BYTES = 32

INPUT = click.Path(exists=True, dir_okay=False, path_type=Path)


def table_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say how a table is laid out."""
    for option in (
        click.option(
            "--tree",
            "trees",
            multiple=True,
            metavar="COL=FILE.csv",
            help="How the categories of COL add up: a file with the columns code,parent,level.",
        ),
        click.option("--by", metavar="A,B,...", help="The columns of categories, with a comma between two."),
        click.option("--count", metavar="COL", help="The column that counts people."),
        click.option(
            "--preset",
            help="The rules, by name, such as dfe_cla or acro (docs/presets.md has each in words); added ones by their "
            "file, NAME.toml.",
        ),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("table", type=INPUT)
@table_options
@click.option("--value", metavar="COL", help="A column of sums of what people have, protected beside the counts.")
@click.option("--top1", metavar="COL", help="With --value: the largest contribution to each sum. Never printed.")
@click.option("--top2", metavar="COL", help="With --value: the second largest. Never printed.")
@click.option(
    "--certificate",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the certificate to this file, whole or not at all, readable by its owner alone.",
)
@click.option(
    "--secret",
    type=INPUT,
    help="A file of 32 bytes or more that decides which of equally good cells is withheld; by default your own.",
)
@click.option("--noise", metavar="EPSILON", help="Instead of a preset: discrete Laplace noise of this privacy loss.")
@click.option(
    "--outsiders-only",
    is_flag=True,
    help="Protect from readers of the table alone, not from an authority or a child that knows its own part: quicker.",
)
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
def protect(table: Path, preset: str, count: str, by: str, trees: tuple[str, ...], form: str, **rest: Any) -> None:
    """Protect TABLE: withhold what may not be shown, and what would give it away, and prove that it is enough.

    TABLE is a CSV file with a row for each cell, and figures as they were counted. Totals are rows too: their category
    is a parent in the tree, or `Total` where the column has no tree. What is printed has c for each figure withheld.
    """
    if rest["noise"] is not None:
        _noise(table, preset, count, by, trees, form, rest)
        return
    from disclosure_control.presets.shelf import find_preset
    from disclosure_control.suppression.analyst_table import Magnitudes, protect_table
    from disclosure_control.suppression.table_file import read_table

    columns = split_columns(preset, count, by)
    if rest["certificate"] is not None:
        _check_spares(rest["certificate"], [table, *_tree_files(trees), *filter(None, [rest["secret"]])])
    given = [rest[name] for name in ("value", "top1", "top2")]
    if any(given) and not all(given):
        raise click.UsageError("--value, --top1 and --top2 belong together: give all three.")
    protected = protect_table(
        read_table(read_text(table)),
        find_preset(preset),
        count,
        columns,
        read_trees(trees),
        secret=_read_secret(rest["secret"]),
        magnitudes=Magnitudes(*given) if all(given) else None,
        insiders=not rest["outsiders_only"],
        progress=say_to_a_terminal(),
    )
    if rest["certificate"] is not None:
        _write(rest["certificate"], protected.certificate)
    click.echo(protected.to_csv() if form == "csv" else protected.to_json(), nl=form == "json")
    for note in protected.notes:
        click.echo(note, err=True)


def _noise(
    table: Path, preset: str | None, count: str, by: str, trees: Sequence[str], form: str, rest: dict[str, Any]
) -> None:
    """Noise the counts of a table that has a row for every combination of categories, and say what that promises."""
    from disclosure_control.noise.noised_table import noise_table
    from disclosure_control.noise.terms import NoiseRefused, read_epsilon
    from disclosure_control.suppression.table_file import read_table

    if preset or any(rest[name] for name in ("value", "top1", "top2", "certificate", "secret", "outsiders_only")):
        raise click.UsageError("--noise takes the place of a preset, and goes with --count, --by and --tree alone.")
    columns = split_columns("noise", count, by)
    try:
        read_epsilon(rest["noise"])
    except NoiseRefused as refused:
        raise click.BadParameter(f"{refused}.", param_hint="--noise") from None
    noised = noise_table(read_table(read_text(table)), count, columns, read_trees(trees), rest["noise"])
    click.echo(noised.to_csv() if form == "csv" else noised.to_json(), nl=form == "json")
    for note in noised.notes:
        click.echo(note, err=True)


def split_columns(preset: str | None, count: str | None, by: str | None) -> Sequence[str]:
    """The columns of categories. Raises a usage error where an option is missing."""
    for option, given in (("--preset", preset), ("--count", count), ("--by", by)):
        if not given:
            raise click.UsageError(f"{option} is needed to read a table.")
    assert by is not None
    columns = [each.strip() for each in by.split(",")]
    if not all(columns):
        raise click.UsageError("--by: give the columns by name, and a comma between two.")
    return columns


def read_trees(trees: Sequence[str]) -> "dict[str, Hierarchy]":
    """The hierarchies in tree files, by column. Raises a usage error."""
    from disclosure_control.suppression.hierarchy import TreeMalformed, read_hierarchy

    found = {}
    for each in trees:
        column, _, path = each.partition("=")
        if not column or not path or column in found:
            raise click.BadParameter("give a column once, an equals sign and a file.", param_hint="--tree")
        try:
            found[column] = read_hierarchy(read_text(Path(path)))
        except TreeMalformed as error:
            raise click.BadParameter(f"{path}: {error}.", param_hint="--tree") from None
    return found


def _tree_files(trees: Sequence[str]) -> list[Path]:
    return [Path(each.partition("=")[2]) for each in trees]


def _check_spares(written: Path, read: Sequence[Path]) -> None:
    """Check that what is written is none of the files that are read. Raises a usage error."""
    if written.exists() and any(each.exists() and written.samefile(each) for each in read):
        raise click.UsageError(f"{written}: is read here, and would be overwritten; name another for --certificate.")


def _write(path: Path, content: bytes) -> None:
    """Write a file whole, or leave what there is: where a link leads, if it is one. Raises a usage error."""
    from federation.state import write_file

    try:
        if path.exists() and not path.is_file():  # A pipe, say, in the place of which no file is to be.
            path.write_bytes(content)
        else:
            write_file(path.resolve(), content)
    except OSError as error:
        raise click.UsageError(f"{path}: cannot be written: {error.strerror}.") from None


def read_text(path: Path) -> str:
    """The text of a file, with or without a byte order mark. Raises a usage error."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise click.UsageError(f"{path}: not text in UTF-8.") from None
    except OSError as error:
        raise click.UsageError(f"{path}: cannot be read: {error.strerror}.") from None


def _read_secret(path: Path | None) -> bytes:
    """The secret that decides ties: as given, or the one kept for this user, which is made at its first use."""
    own = path or Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "circe" / "suppression.secret"
    if path is None and not own.exists():
        own.parent.mkdir(parents=True, exist_ok=True)
        made = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(made, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
    secret = own.read_bytes()
    if len(secret) < SECRET_BYTES:
        raise click.UsageError(f"{own}: a secret has {SECRET_BYTES} bytes or more.")
    return secret
