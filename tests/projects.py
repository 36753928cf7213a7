"""Projects for tests: agreed to everything that the catalogue has, for the people and presets that a test names."""

from collections.abc import Sequence
from datetime import date

import msgspec

from federation.project import Agreement, DataItem, Organisation, Person, Project
from query_engine.catalogue import load_catalogue


def make_project(
    name: str = "attendance",
    askers: Sequence[str] = ("ana",),
    presets: Sequence[str] = ("ons_10_5",),
    **changes: object,
) -> Project:
    """A project under way, with whatever the test wants different."""
    project = Project(
        name=name,
        title="Attendance of children in care",
        purpose="To find out which children in care miss school, and why",
        public_benefit="Virtual schools learn what helps children in care to attend",
        legal_gateway="Children Act 1989, section 22(3A) and (3B)",
        lawful_basis=("UK GDPR article 6(1)(e)", "UK GDPR article 9(2)(g) with DPA 2018, schedule 1, paragraph 6"),
        people=tuple(
            Person(member=each, accredited_by="UK Statistics Authority", accredited_until=date(2035, 12, 31))
            for each in askers
        ),
        organisations=(
            Organisation(title="Each authority that answers", part="joint_controller", contact="its own officer"),
        ),
        data_items=agree_to_all(),
        presets=tuple(presets),
        most_epsilon_per_year="999",
        starts=date(2020, 1, 1),
        ends=date(2035, 12, 31),
        review=date(2030, 1, 1),
        retention="Releases are kept for good; no record of a child leaves an authority",
        rights_contact="rights@example.org",
        incident_contact="incidents@example.org",
        agreement=Agreement(reference="Agreement 1 of the tests"),
    )
    return msgspec.structs.replace(project, **changes)


def agree_to_all() -> tuple[DataItem, ...]:
    """Every column of every governed table."""
    tables = load_catalogue().tables
    return tuple(DataItem(table=name, columns=tuple(sorted(tables[name].columns))) for name in sorted(tables))
