"""`circe query template`: a standing question, approved once by two organisations, and the runs of it.

A template is a file. Its asker makes and signs it, sends it to approvers of two other organisations, who each read and
sign it on their own machines, and hands it to the hub with every run.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from disclosure_control.noise.terms import Mechanism
    from federation.manifest import Choice

STATE = click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), required=True, help="Your own member directory."
)
FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
PATHS = ("exact_sum", "noisy_sum")


@click.group()
def template() -> None:
    """Standing questions: make one, have it approved, run it."""


@template.command()
@STATE
@click.option("--project", required=True, help="The project this question belongs to.")
@click.option("--purpose", required=True, help="Why it is asked, in a sentence that approvers will read.")
@click.option("--path", "leaves_by", type=click.Choice(PATHS), default="exact_sum", show_default=True)
@click.option("--preset", default="ons_10_5", show_default=True, help="Disclosure-control preset of the total.")
@click.option("--roster", default="england", show_default=True, help="A standing roster: england, london, north-east …")
@click.option("--term", "terms", multiple=True, required=True, help="Term of the snapshots, 202425-summer; may repeat.")
@click.option("--parameter", "parameters", multiple=True, help="NAME=VALUE for a place {NAME} of the SQL; may repeat.")
@click.option("--threshold", type=click.IntRange(1, 400), default=1, help="Least threshold, above two thirds.")
@click.option("--epsilon", default="", help="Privacy loss of each run, for a noisy sum.")
@click.option(
    "--noise",
    "mechanism",
    type=click.Choice(["polya", "skellam"]),
    default="polya",
    show_default=True,
    help="What shares the noise of each run is made of, for a noisy sum.",
)
@click.option("--dropouts", type=click.IntRange(0, 400), default=0, help="Nodes that may be missing from a noisy sum.")
@click.option("--colluders", type=click.IntRange(0, 400), default=0, help="Nodes that may collude in a noisy sum.")
@click.option("--runs", "most_runs", type=click.IntRange(1, 10_000), default=12, show_default=True)
@click.option("--days", type=click.IntRange(1, 366), default=366, show_default=True, help="How long it is good for.")
@click.option("--out", "file", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.argument("sql")
def make(
    state: Path,
    project: str,
    purpose: str,
    leaves_by: str,
    preset: str,
    roster: str,
    terms: tuple[str, ...],
    parameters: tuple[str, ...],
    threshold: int,
    epsilon: str,
    mechanism: "Mechanism",
    dropouts: int,
    colluders: int,
    most_runs: int,
    days: int,
    file: Path,
    sql: str,
) -> None:
    """Plan every question that SQL stands for, show what is asked, sign it and write the template's FILE."""
    from federation.client import connect
    from federation.manifest import Path as LeavingPath
    from federation.template_making import make_template, save_template
    from federation.terminal import plain_text

    with connect(state) as client:
        made = make_template(
            presets=client.presets,
            project=client.project(project),
            asker=client.member_id,
            purpose=purpose,
            sql=sql,
            parameters=_read_lists(parameters),
            snapshot_terms=terms,
            path=LeavingPath(leaves_by),
            roster=roster,
            preset=preset,
            most_runs=most_runs,
            days=days,
            register_version=client.refresh_register().version,
            now=client.now(),
            epsilon=epsilon,
            mechanism=mechanism,
            dropouts=dropouts,
            colluders=colluders,
            threshold=threshold,
        )
        save_template(file, client.sign_new_template(made))
    click.echo(f"{plain_text(str(file))}: send it to approvers of two other organisations", err=True)
    click.echo(made.template_id)


@template.command()
@STATE
@FILE
def show(state: Path, file: Path) -> None:
    """Read FILE aloud: what it stands for, and who has signed it."""
    from federation.client import connect
    from federation.template_making import load_template

    with connect(state) as client:
        review = client.review_template(load_template(file))
    click.echo(review.page)


@template.command()
@STATE
@click.option("--digest", help="Sign only if the template has this digest (as another approver read it to you).")
@click.option("--yes", is_flag=True, help="Sign without asking, for scripts that have read it already.")
@FILE
def approve(state: Path, digest: str | None, yes: bool, file: Path) -> None:
    """Show what FILE stands for; sign it if you agree, and write it with your signature."""
    from federation.client import ManifestMismatch, connect
    from federation.template_making import load_template, save_template, sign_template

    with connect(state) as client:
        review = client.review_template(load_template(file))
        click.echo(review.page, err=True)
        if digest and digest != review.digest:
            raise ManifestMismatch(f"this template's digest is {review.digest}, not the one given: nothing was signed")
        if not yes:
            click.confirm("Approve every run of it?", abort=True, err=True)
        signed = sign_template(review.envelope, client.keys)
        save_template(file, signed)
    click.echo(f"{review.template.template_id} is signed by {', '.join(signed.signers)}")


@template.command()
@STATE
@click.option("--term", required=True, help="Term of the snapshots to answer from, of those that the template lists.")
@click.option("--choose", "choices", multiple=True, help="NAME=VALUE for each parameter of the template.")
@click.option("--valid-hours", type=click.IntRange(1, 720), default=24, show_default=True)
@FILE
def run(state: Path, term: str, choices: tuple[str, ...], valid_hours: int, file: Path) -> None:
    """Have a run of FILE drafted, compare it with the template, sign it and set it going; prints the query's id."""
    from federation.client import connect
    from federation.exchange import RunDraft
    from federation.reading import describe_foreseen
    from federation.template_making import load_template

    draft = RunDraft(
        template=load_template(file), choices=_read_choices(choices), snapshot_term=term, valid_hours=valid_hours
    )
    with connect(state) as client:
        query_id = client.submit_run(draft).query_id
        click.echo(query_id)
        if foreseen := describe_foreseen(client.foresee_check(query_id)):
            click.echo(foreseen, err=True)


def _read_lists(given: tuple[str, ...]) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {}
    for name, value in map(_split, given):
        lists.setdefault(name, []).append(value)
    return lists


def _read_choices(given: tuple[str, ...]) -> "tuple[Choice, ...]":
    from federation.manifest import Choice

    return tuple(Choice(parameter=name, value=value) for name, value in sorted(map(_split, given)))


def _split(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not (name and equals and value):
        raise click.UsageError(f"write a parameter as NAME=VALUE, such as year=202425: {word!r} is not")
    return name, value
