"""`circe synth`: write a synthetic England as return files."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

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
@click.option("--dirty", is_flag=True, help="Put in the mistakes real returns hold, in known numbers.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def synth(directory: Path, authorities: str, seed: int, scale: float, year: int, dirty: bool, form: str) -> None:
    """Write SYNTHETIC SSDA903 returns and School Census extracts into DIRECTORY.

    Nobody in these files exists. DIRECTORY gets one folder per authority and england.json, which says what is in
    them. Children are placed across the borders of the authorities written.
    """
    from node.synth.england import SynthRefused, write_england
    from node.synth.postcodes import PostcodesMissing

    try:
        summary = write_england(
            directory,
            authorities=_read_authorities(authorities),
            seed=seed,
            academic_year=year,
            scale=scale,
            dirty=dirty,
            progress=lambda text: click.echo(text, err=True),
        )
    except SynthRefused as refused:
        raise click.UsageError(str(refused)) from None
    except PostcodesMissing as missing:
        raise click.ClickException(str(missing)) from None
    except OSError as failed:
        raise click.ClickException(f"cannot write {failed.filename}: {failed.strerror}") from None
    click.echo(json.dumps(summary.to_json(), indent=2) if form == "json" else _table(summary))


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
