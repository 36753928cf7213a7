"""A project: who may ask, what for, about which data items, under which protection, and until when.

It is the "safe project" and the "safe people" of the Five Safes (ONS and UK Data Service), with what a data-sharing
agreement, an impact assessment and a record of processing have to state (UK GDPR articles 28, 30 and 35). The whole
document stands inside every manifest: approvers sign it together with the question, and each node holds the question to
it. So nobody has to believe the hub about who is in a project, or what was agreed.
"""

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec

from federation.sum_terms import Epsilon
from federation.told_days import tell_day
from federation.wire import DigestOrNone, Document, Line, Name
from query_engine.planning.plan import QueryPlan

Part = Literal["controller", "joint_controller", "processor", "recipient"]
"""What an organisation is to the data, in the words of UK GDPR articles 4, 26 and 28."""


class ProjectInvalid(Exception):
    """A project contradicts itself; the text says where."""


class ProjectExceeded(Exception):
    """A question goes beyond its project; `code` says in what, in a word fit for a log."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Person(Document, frozen=True):
    """Somebody who may ask: a member of the register, by whose key they are known, and who accredited them."""

    member: Name
    accredited_by: Line
    accredited_until: date


class Organisation(Document, frozen=True):
    """An organisation that takes part, what it is to the data, and whom to write to there."""

    title: Line
    part: Part
    contact: Line


class DataItem(Document, frozen=True):
    """Columns of one governed table that may be asked about."""

    table: Name
    columns: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=200)]


class Agreement(Document, frozen=True):
    """The signed paper behind a project: where it is filed, and its SHA-256 digest if it is a file."""

    reference: Line
    digest: DigestOrNone = ""


class Project(Document, frozen=True):
    """A project as its organisations agreed to it. `most_epsilon_per_year` is for noised sums, none where empty."""

    name: Name
    title: Line
    purpose: Line
    public_benefit: Line
    legal_gateway: Line
    lawful_basis: Annotated[tuple[Line, ...], msgspec.Meta(min_length=1, max_length=10)]
    people: Annotated[tuple[Person, ...], msgspec.Meta(min_length=1, max_length=100)]
    organisations: Annotated[tuple[Organisation, ...], msgspec.Meta(min_length=1, max_length=50)]
    data_items: Annotated[tuple[DataItem, ...], msgspec.Meta(min_length=1, max_length=20)]
    presets: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=20)]
    most_epsilon_per_year: Epsilon
    starts: date
    ends: date
    review: date
    retention: Line
    rights_contact: Line
    incident_contact: Line
    agreement: Agreement

    def find_person(self, member: str) -> Person | None:
        """Return a member of the project, or None."""
        return next((person for person in self.people if person.member == member), None)


def check_consistent(project: Project) -> None:
    """Raise `ProjectInvalid` where a project contradicts itself."""
    lists = {
        "person": [person.member for person in project.people],
        "data item": [item.table for item in project.data_items],
        "preset": list(project.presets),
        **{f"column of {item.table}": list(item.columns) for item in project.data_items},
    }
    for what, names in lists.items():
        if len(set(names)) < len(names):
            raise ProjectInvalid(f"each {what} is listed once")
    if not project.starts <= project.review <= project.ends:
        raise ProjectInvalid("it is reviewed no earlier than it starts, and no later than it ends")
    if not any(each.part in ("controller", "joint_controller") for each in project.organisations):
        raise ProjectInvalid("no organisation is named as a controller")


def check_asked(project: Project, asker: str, preset: str, plan: QueryPlan, now: datetime) -> None:
    """Hold a question to its project: who asks, when, of what, and how it is protected. Raises `ProjectExceeded`."""
    check_person(project, asker, now)
    if preset not in project.presets:
        allowed = ", ".join(project.presets)
        raise ProjectExceeded("preset_not_in_project", f"the project's releases use one of: {allowed}")
    agreed = {(item.table, column) for item in project.data_items for column in item.columns}
    if beyond := sorted(plan.items - agreed):
        named = ", ".join(f"{table}.{column}" for table, column in beyond)
        raise ProjectExceeded("beyond_data_items", f"the project {project.name} was not agreed to ask about {named}")


def check_person(project: Project, member: str, now: datetime) -> None:
    """Raise `ProjectExceeded` unless a project is under way and a member of it may ask now."""
    today = now.date()
    if today < project.starts:
        raise ProjectExceeded("project_not_begun", f"the project {project.name} starts on {tell_day(project.starts)}")
    if today > project.ends:
        raise ProjectExceeded("project_over", f"the project {project.name} ended on {tell_day(project.ends)}")
    person = project.find_person(member)
    if person is None:
        raise ProjectExceeded("not_in_project", f"{member} is not among the people of the project {project.name}")
    if today > person.accredited_until:
        ended = tell_day(person.accredited_until)
        raise ProjectExceeded("accreditation_over", f"the accreditation of {member} ended on {ended}")
