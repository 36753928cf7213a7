"""What several papers say of a project in the same words."""

from collections.abc import Mapping

from federation.papers.paper import Grid
from federation.project import Part, Project
from federation.told_days import tell_day
from query_engine.catalogue import Catalogue
from query_engine.columns import GovernedTable, Sensitivity

SENSITIVITIES: Mapping[Sensitivity, str] = {
    "ordinary": "Ordinary",
    "care_record": "From the record of a child's care",
    "special_category": "Special category data (UK GDPR Article 9)",
}
"""How sensitive a data item is, in words: here as on the catalogue's pages."""


CONTROLLERS: frozenset[Part] = frozenset({"controller", "joint_controller"})
RECIPIENTS: frozenset[Part] = frozenset({"processor", "recipient"})
"""Whoever is given personal data is a recipient, a processor too (UK GDPR article 4(9))."""


def describe_organisations(project: Project, parts: frozenset[Part] = CONTROLLERS | RECIPIENTS) -> Grid:
    """Who takes part, as what, and whom to write to."""
    rows = tuple(
        (each.title, each.part.replace("_", " "), each.contact) for each in project.organisations if each.part in parts
    )
    return Grid(("Organisation", "Part", "Contact"), rows)


def describe_people(project: Project) -> Grid:
    """Who may ask, and by whom and until when they are accredited."""
    rows = tuple((each.member, each.accredited_by, tell_day(each.accredited_until)) for each in project.people)
    return Grid(("Member of the register", "Accredited by", "Until"), rows)


SUBJECTS = "Children who are or were looked after by the authorities that answer, and pupils on their rolls."

IN_ENGLAND = (
    "How many, by published figures and not by a count of records: 81,770 children were looked after in England on "
    "31 March 2025, 32,270 began to be in the year before and 34,450 ceased to be (Department for Education, Children "
    "looked after in England including adoptions, 2025)."
)


def describe_items(project: Project, catalogue: Catalogue) -> Grid:
    """Each data item with its source, sensitivity and definition, as the catalogue has them."""
    rows = []
    for item in project.data_items:
        for name in item.columns:
            column = catalogue.table(item.table).columns[name]
            rows.append((f"{item.table}.{name}", column.source, SENSITIVITIES[column.sensitivity], column.definition))
    return Grid(("Data item", "Source", "Sensitivity", "Definition"), tuple(rows))


def describe_subjects(project: Project, catalogue: Catalogue) -> tuple[str, ...]:
    """Whom the data are about, and about how many they are by published figures: nobody has counted them for this."""
    tables = [catalogue.table(item.table) for item in project.data_items]
    return (SUBJECTS, IN_ENGLAND, *map(_tell_size, tables))


def _tell_size(table: GovernedTable) -> str:
    kind = "children" if table.child_key == "child" else "pupils"
    return f"{table.name}: about {table.typical_size:,} {kind} of a middling authority in one academic year."


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
        f"Starts: {tell_day(project.starts)}",
        f"Ends: {tell_day(project.ends)}",
        f"Reviewed: {tell_day(project.review)}",
    )
