"""The people of an authority who use its node, and in what role: `people.toml`, kept by the node's administrator."""

import json
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated

import msgspec

from federation.state import StateError, write_file
from federation.wire import Line, Name, convert_value
from policies.names import Role

PEOPLE_FILE = "people.toml"

BY_SCHOOLS = frozenset({Role.ACADEMY_TRUST, Role.SCHOOL_INSPECTOR})
"""Roles that are entered with several schools, each by its number."""

FOR_A_TIME = frozenset({Role.AUTHORITY_INSPECTOR, Role.SCHOOL_INSPECTOR})
"""Roles whose accounts have a last day: whoever inspects is one of the people as long as the inspection lasts."""

Urn = Annotated[int, msgspec.Meta(ge=100_000, le=999_999)]
"""A school's unique reference number."""


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """One person: who they are to the log, the role that the access matrix knows them by, and their school, if any.

    `school_urn` is given for whoever works for one school: a designated teacher, for whom this authority vouches.
    `schools` are those of an academy trust in this authority's area, or those that somebody inspects. `until` is the
    last day of an account that has one.
    """

    id: Name
    role: Role
    title: Line
    school_urn: Urn | None = None
    schools: Annotated[tuple[Urn, ...], msgspec.Meta(max_length=500)] = ()
    until: date | None = None

    @property
    def works_at(self) -> tuple[int, ...]:
        """The schools that this person works for, one or several."""
        return self.schools if self.school_urn is None else (self.school_urn,)

    def is_in_force(self, on: date) -> bool:
        """Whether the account opens anything on a day; an inspector's that has no last day opens nothing."""
        return self.role not in FOR_A_TIME if self.until is None else on <= self.until


class _People(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    person: tuple[Person, ...] = ()


def list_people(directory: Path) -> tuple[Person, ...]:
    """Return the people of a node. Raises `StateError` when the file cannot be used."""
    path = directory / PEOPLE_FILE
    if not path.exists():
        return ()
    try:
        return convert_value(tomllib.loads(path.read_text()), _People).person
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError):
        raise StateError(
            f"{path} is damaged: each [[person]] has an id, a role and a title, "
            "and may have a school_urn, schools or until"
        ) from None


def find_person(directory: Path, person_id: str, on: date) -> Person:
    """Return one person whose account is in force on a day. Raises `StateError` for anybody else."""
    for person in list_people(directory):
        if person.id == person_id:
            if person.is_in_force(on):
                return person
            raise StateError(
                f"the account of {person_id} is over: circe node person --until enters them again for a time"
            )
    raise StateError(f"{person_id} is not one of this node's people: add them with circe node person")


def add_person(directory: Path, person: Person) -> None:
    """Add a person, or change the role and title of one who is there."""
    others = [known for known in list_people(directory) if known.id != person.id]
    write_file(directory / PEOPLE_FILE, "\n".join(_entry(known) for known in (*others, person)).encode())


def _entry(person: Person) -> str:
    """Return one person as TOML; the JSON form of a string is also TOML."""
    fields = msgspec.to_builtins(person)
    return "\n".join(["[[person]]", *(f"{name} = {json.dumps(value)}" for name, value in fields.items()), ""])
