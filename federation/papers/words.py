"""What several papers say of a project in the same words."""

from collections.abc import Mapping

from federation.papers.paper import Grid
from federation.project import Project
from query_engine.catalogue import Catalogue
from query_engine.columns import Sensitivity

SENSITIVITIES: Mapping[Sensitivity, str] = {
    "ordinary": "Ordinary",
    "care_record": "From the record of a child's care",
    "special_category": "Special category data (UK GDPR Article 9)",
}
"""How sensitive a data item is, in words: here as on the catalogue's pages."""


def describe_organisations(project: Project) -> Grid:
    """Who takes part, as what, and whom to write to."""
    rows = tuple((each.title, each.part.replace("_", " "), each.contact) for each in project.organisations)
    return Grid(("Organisation", "Part", "Contact"), rows)


def describe_people(project: Project) -> Grid:
    """Who may ask, and by whom and until when they are accredited."""
    rows = tuple((each.member, each.accredited_by, f"{each.accredited_until:%d %B %Y}") for each in project.people)
    return Grid(("Member of the register", "Accredited by", "Until"), rows)


def describe_items(project: Project, catalogue: Catalogue) -> Grid:
    """Each data item with its source, sensitivity and definition, as the catalogue has them."""
    rows = []
    for item in project.data_items:
        for name in item.columns:
            column = catalogue.table(item.table).columns[name]
            rows.append((f"{item.table}.{name}", column.source, SENSITIVITIES[column.sensitivity], column.definition))
    return Grid(("Data item", "Source", "Sensitivity", "Definition"), tuple(rows))


def describe_presets(project: Project) -> tuple[str, ...]:
    """How what is released is protected."""
    most = project.most_epsilon_per_year
    noised = (
        f"Noised sums about one academic year may cost epsilon {most} all together, at each authority."
        if most
        else "No noised sums are released."
    )
    return (f"Counts and figures by one of the presets {', '.join(project.presets)}, and no looser.", noised)


def describe_dates(project: Project) -> tuple[str, ...]:
    """When it runs, and when it is looked at again."""
    return (
        f"Starts: {project.starts:%d %B %Y}",
        f"Ends: {project.ends:%d %B %Y}",
        f"Reviewed: {project.review:%d %B %Y}",
    )
