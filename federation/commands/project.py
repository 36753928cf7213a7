"""`circe project`: write down what a project is, hold that against the catalogue, and have its papers written."""

from datetime import UTC, datetime
from pathlib import Path

import click

FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))


@click.group()
def project() -> None:
    """Projects: who may ask, what for, about what, and the papers of it."""


@project.command()
@click.option("--name", required=True, help="Short name, for example attendance-2026.")
@click.option("--title", default="", help="What the project is called.")
@click.option("--member", "members", multiple=True, required=True, help="Id of somebody who may ask; may repeat.")
@click.option("--preset", "presets", multiple=True, default=("ons_10_5",), show_default=True)
@click.option("--table", "tables", multiple=True, default=("child_year",), show_default=True)
def new(name: str, title: str, members: tuple[str, ...], presets: tuple[str, ...], tables: tuple[str, ...]) -> None:
    """Print a project's file to begin with, for a year from today: every field, and what belongs there."""
    from federation.project_file import Beginning, write_beginning
    from query_engine.catalogue import load_catalogue

    catalogue = load_catalogue()
    if unknown := [table for table in tables if table not in catalogue.tables]:
        raise click.BadParameter(f"the catalogue has no table {unknown[0]}: see circe catalogue.", param_hint="--table")
    words = {"title": title} if title else {}
    beginning = Beginning(name=name, members=members, presets=presets, tables=tables, **words)
    click.echo(write_beginning(beginning, catalogue, datetime.now(UTC).date()))


@project.command()
@FILE
def check(file: Path) -> None:
    """Say what is wrong with a project's FILE, or that nothing is."""
    from disclosure_control.presets.shelf import SHIPPED
    from federation.project_file import check_known, read_project
    from federation.told_days import tell_day
    from query_engine.catalogue import load_catalogue

    project = read_project(file)
    check_known(project, load_catalogue(), SHIPPED)
    columns = sum(len(item.columns) for item in project.data_items)
    until = tell_day(project.ends)
    click.echo(f"{project.name}: {len(project.people)} people, {columns} data items, until {until}")


@project.command()
@click.option("--out", "directory", type=click.Path(path_type=Path, file_okay=False), required=True)
@FILE
def papers(directory: Path, file: Path) -> None:
    """Write the papers of a project's FILE: sharing agreement, impact assessment, record of processing."""
    from disclosure_control.presets.shelf import SHIPPED
    from federation.papers.writing import save_papers
    from federation.project_file import check_known, read_project
    from query_engine.catalogue import load_catalogue

    project = read_project(file)
    check_known(project, load_catalogue(), SHIPPED)
    for path in save_papers(project, load_catalogue(), directory):
        click.echo(path)
