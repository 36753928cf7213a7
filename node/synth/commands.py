"""`circe synth`: write a synthetic England as return files."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from node.synth.england import EnglandSummary

_MOST_AUTHORITIES = 153  # every code is larger, so a number and a code cannot be confused


@click.command("synth", short_help="Write a synthetic England as return files.")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--authorities",
    default="8",
    show_default=True,
    metavar="N|CODES",
    help="How many authorities, neighbours first, or their codes with commas between.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed writes the same files.")
@click.option("--scale", type=float, default=1.0, show_default=True, help="Times the real number of children.")
@click.option("--year", type=int, default=202425, show_default=True, help="Academic year, like 202425.")
@click.option("--years", type=int, default=1, show_default=True, help="Consecutive years, the last of them --year.")
@click.option("--full", is_flag=True, help="GIAP, virtual-school and social-care files too.")
@click.option("--xml", is_flag=True, help="Each return as one XML file too.")
@click.option("--other-pupils", type=float, metavar="SHARE", help="This share of all other pupils, like 0.05.")
@click.option("--full-roll", metavar="CODE", help="Every pupil of one authority.")
@click.option("--dirty", is_flag=True, help="Put in the mistakes real returns hold, in known numbers.")
@click.option("--returns-errors", is_flag=True, help="Put mistakes of schools into the census, in known numbers.")
@click.option("--calibration", is_flag=True, help="Write nothing: compare the England in DIRECTORY with the figures.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def synth(
    directory: Path,
    authorities: str,
    year: int,
    other_pupils: float | None,
    calibration: bool,
    form: str,
    **wanted: Any,
) -> None:
    """Write SYNTHETIC SSDA903 returns and School Census extracts into DIRECTORY.

    Nobody in these files exists. DIRECTORY gets one folder per authority, a register of schools, and england.json,
    which says what is in them. Children are placed across the borders of the authorities written.
    """
    from node.synth.england import SynthRefused, write_england
    from node.synth.postcodes import PostcodesMissing

    if calibration:
        _compare(directory, form)
        return
    try:
        summary = write_england(
            directory,
            authorities=_read_authorities(authorities),
            academic_year=year,
            other_pupils_share=other_pupils,
            progress=lambda text: click.echo(text, err=True),
            **wanted,
        )
    except SynthRefused as refused:
        raise click.UsageError(str(refused)) from None
    except PostcodesMissing as missing:
        raise click.ClickException(str(missing)) from None
    except OSError as failed:
        raise click.ClickException(f"cannot write {failed.filename}: {failed.strerror}") from None
    click.echo(json.dumps(summary.to_json(), indent=2) if form == "json" else _table(summary))


def _compare(directory: Path, form: str) -> None:
    """Print how the England in a directory compares with the published figures."""
    from node.synth.calibration_table import calibration_table, print_table

    try:
        rows = calibration_table(directory)
    except FileNotFoundError:
        raise click.ClickException(f"{directory} holds no synthetic England; write one first") from None
    if form == "json":
        click.echo(json.dumps([{**asdict(row), "within": row.within()} for row in rows], indent=2))
    else:
        click.echo(print_table(rows))


def _read_authorities(text: str) -> int | list[str]:
    """A number of authorities, or a list of codes; which codes exist is for `write_england` to say."""
    if text.isascii() and text.isdecimal() and int(text) <= _MOST_AUTHORITIES:
        return int(text)
    return [code.strip() for code in text.split(",") if code.strip()]


def _table(summary: "EnglandSummary") -> str:
    """One line per authority and a last one of sums."""
    titles = ("authority", "children", "at_31_march", "placed_outside", "hosted", "leavers", "pupils")
    rows = [(code, *(getattr(each, title) for title in titles[1:])) for code, each in summary.authorities.items()]
    sums = ("all", *(sum(row[at] for row in rows) for at in range(1, len(titles))))
    lines = [titles, *rows, sums]
    return "\n".join("".join(f"{value:>16}" for value in line) for line in lines)
