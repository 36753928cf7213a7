"""Setting a node up: its identity for one authority, its rules, its log and its people."""

from collections.abc import Collection
from datetime import date
from pathlib import Path

from audit.event import Action
from federation.register import MemberKind
from federation.state import StateError, create_party, make_profile, publish_log_key
from federation.wire import convert_value
from node.passkeys import forget_predecessor
from node.people import BY_SCHOOLS, FOR_A_TIME, Person, add_person, list_people
from node.rules import write_default_rules
from node.service import Node, open_node
from policies.names import Role
from query_engine.geography import load_authorities


def create_node(directory: Path, authority: str, operator: str = "") -> Node:
    """Make the node of one authority. Raises `StateError` for an unknown code or a directory already in use."""
    known = load_authorities().get(authority)
    if known is None:
        raise StateError(f"{authority!r} is no authority's code: give the three digits of today's code, such as 301")
    organisation = f"la-{authority}"
    profile = make_profile(
        member_id=f"node-{authority}",
        kind=MemberKind.NODE,
        title=known.name,
        organisation=organisation,
        organisation_kind="authority",
        operator=operator or organisation,
        authorities=(authority,),
    )
    party = create_party(directory, profile)
    write_default_rules(directory)
    publish_log_key(party)
    node = open_node(directory)
    node.record(node.event(Action.PARTY_INITIALISED, party.member_id, ""))
    return node


def enter_person(
    directory: Path,
    person_id: str,
    role: str,
    title: str,
    school_urn: int | None = None,
    schools: Collection[int] = (),
    until: date | None = None,
) -> None:
    """Add a person to a node, and log it. Raises `StateError` for an id, a role, a school or a day that cannot be."""
    import msgspec

    try:
        fields: dict[str, object] = {"id": person_id, "role": role, "title": title, "school_urn": school_urn}
        fields |= {"schools": sorted(schools), "until": until}
        person = convert_value(fields, Person)
    except msgspec.ValidationError:
        roles = ", ".join(sorted(Role))
        raise StateError(
            f"an id is 1 to 64 of a-z, 0-9 and . _ @ -; a school is a URN of six digits; a role is one of: {roles}"
        ) from None
    if (person.role is Role.DESIGNATED_TEACHER) is (person.school_urn is None):
        raise StateError("a designated teacher has a school, and nobody else has one: give its URN with --school")
    if person.schools and person.role not in BY_SCHOOLS:
        raise StateError("an academy trust and an inspector of schools have several schools, and nobody else has")
    if person.role is Role.SCHOOL_INSPECTOR and not person.schools:
        raise StateError("an inspector of schools sees the figures of those alone: give each URN with --school")
    if person.role in FOR_A_TIME and person.until is None:
        raise StateError("an inspector's account lasts as long as the inspection: give its last day with --until")
    node = open_node(directory)
    if not person.is_in_force(node.clock().date()):
        raise StateError("the last day of the account has passed: give today or a day to come with --until")
    if all(known.id != person.id for known in list_people(directory)):
        forget_predecessor(node, person.id)
    add_person(directory, person)
    node.record(node.event(Action.POLICY_CHANGED, node.party.member_id, "", person=person.id, role=str(person.role)))
