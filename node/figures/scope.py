"""Whose children a figure counts, and by which line of the access matrix somebody may see it.

Ours are the children in this authority's care. Those at a school, or at all schools of a trust, are ours who are on
roll there; children whom other authorities placed in them are in those authorities' figures.
"""

import re
from dataclasses import dataclass

from federation.state import StateError
from node.people import Person
from policies.access_policy import AccessRequest
from policies.names import Action, FieldGroup, Relation

AUTHORITY = "authority"
"""What somebody asks for who asks for all of our children."""

OWN_SCHOOLS = "own"
"""What somebody asks for who asks for all schools that they work for, as one."""

_URN = re.compile(r"[1-9][0-9]{5}")


@dataclass(frozen=True)
class Scope:
    """Our children at these schools, or all of them where there are none; and how whoever asks stands to them."""

    schools: frozenset[int]
    relation: Relation
    field_group: FieldGroup

    @property
    def key(self) -> str:
        """The schools as they are kept: nothing for all of our children."""
        return " ".join(str(each) for each in sorted(self.schools))

    def request(self, role: str) -> AccessRequest:
        """Return what the access matrix is asked."""
        return AccessRequest(role, self.relation, Action.AGGREGATE, self.field_group)


ALL_OURS = Scope(frozenset(), Relation.HOME, FieldGroup.AGGREGATES)


def request_released(role: str) -> AccessRequest:
    """Return what the access matrix is asked about figures of England and our region, as they were released."""
    return AccessRequest(role, Relation.FEDERATION, Action.AGGREGATE, FieldGroup.AGGREGATES)


def find_scope(person: Person, whose: str) -> Scope:
    """Return what somebody means by a word or the number of a school. Raises `StateError` for what is neither."""
    if whose == AUTHORITY:
        return ALL_OURS
    if whose == OWN_SCHOOLS and person.works_at:
        return Scope(frozenset(person.works_at), Relation.SCHOOL, FieldGroup.SCHOOL_AGGREGATES)
    if not _URN.fullmatch(whose):
        raise StateError("give a school by its unique reference number, six digits")
    relation = Relation.SCHOOL if int(whose) in person.works_at else Relation.HOME
    return Scope(frozenset({int(whose)}), relation, FieldGroup.SCHOOL_AGGREGATES)
