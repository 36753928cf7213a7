"""`circe node budget`: how much privacy loss an authority's node has let out, and what is left."""

from pathlib import Path

import click

from node.claim_commands import FORM, STATE, format_rows

HEADINGS = ("academic_year", "project", "questions", "epsilon", "rho", "epsilon_at_delta", "cap", "left")


@click.command()
@STATE
@FORM
def budget(state: Path, form: str) -> None:
    """Say what noised sums have cost each academic year in privacy loss, by project, and what is left of its caps."""
    from dataclasses import astuple

    from node.budget_statement import DELTA, list_budget
    from node.service import open_node

    node = open_node(state)
    click.echo(format_rows(HEADINGS, [astuple(line) for line in list_budget(node)], form), nl=False)
    rules = node.rules().sums
    click.echo(
        f"caps of epsilon: {rules.most_epsilon} for one question, {rules.most_epsilon_per_year} for an academic year, "
        f"{rules.most_epsilon_per_project} of it for one project; epsilon_at_delta holds but for a chance of {DELTA:g}",
        err=True,
    )
