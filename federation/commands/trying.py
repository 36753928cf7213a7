"""`circe query try`: a question answered on the hub's made-up England, before anybody is asked."""

from pathlib import Path
from typing import Literal

import click

from federation.terminal import plain_text


@click.command("try")
@click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), required=True, help="Your own member directory."
)
@click.option("--project", required=True, help="The project this question would belong to.")
@click.option("--preset", default="opensafely", show_default=True, help="Disclosure-control preset.")
@click.option("--path", "leaves_by", type=click.Choice(["per_authority", "noisy_sum"]), help="As of circe query run.")
@click.option("--epsilon", default="1", show_default=True, help="Privacy loss of a noisy sum.")
@click.option("--noise", "mechanism", type=click.Choice(["polya", "skellam"]), default="polya", show_default=True)
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.argument("sql")
def try_out(
    state: Path,
    project: str,
    preset: str,
    leaves_by: str | None,
    epsilon: str,
    mechanism: Literal["polya", "skellam"],
    form: str,
    sql: str,
) -> None:
    """Answer a question on the hub's made-up England, and say in all that is printed that it is synthetic.

    No authority is asked, and nothing is logged or kept.
    """
    from federation.client import connect
    from federation.client.asking import Terms
    from federation.wire import encode_document

    terms: Terms = {"preset": preset, "epsilon": epsilon, "mechanism": mechanism}
    if leaves_by is not None:
        terms["path"] = leaves_by
    with connect(state) as client:
        trial = client.sql(sql, project=project, purpose="To try it on made-up data", **terms).try_out()
    if form == "json":
        click.echo(encode_document(trial.tried).decode())
    else:
        click.echo(plain_text(str(trial) if form == "table" else trial.to_csv(), limit=10_000_000), nl=False)
