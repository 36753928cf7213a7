"""The log has that somebody looked for a child of their own surname, and not the name."""

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from audit.event import Action, AuditEvent, Outcome
from federation.lookups import ChildSought, LookupKind
from node.lookups.errand import Errand, Question
from node.people import Person
from node.service import Node
from policies.names import Action as PolicyAction
from policies.names import Relation, Role
from tests.federation.cast import make_keys

BORN = date(2012, 1, 31)


class PlayedNode:
    """As much of a node as writing an entry takes."""

    authority = "301"
    party = SimpleNamespace(keys=make_keys("node-301"))

    def event(self, action: Action, actor: str, reference: str, **more: Any) -> AuditEvent:
        """Return the entry, with the node's own members first and the rest as details."""
        members = {
            name: more.pop(name) for name in ("outcome", "acting_for", "purpose", "relationship", "policy_version")
        }
        return AuditEvent(
            at=datetime(2026, 1, 5, tzinfo=UTC),
            actor=actor,
            action=action,
            reference=reference,
            **members,
            details=more,
        )


def ask(title: str, sought: ChildSought | None) -> AuditEvent:
    person = Person(id="vsh", role=Role.VIRTUAL_SCHOOL_HEAD, title=title)
    question = Question(LookupKind.ONE_CHILD, Relation.HOST, PolicyAction.READ, sought=sought)
    errand = Errand(cast(Node, PlayedNode()), person, "Review", question, "v", "L-1")
    return errand.asked_event(Outcome.INTENDED)


@pytest.mark.parametrize("surname", ["Marsh", "MARSH", "marsh"])
def test_a_namesake_is_noted_without_the_name(surname: str) -> None:
    event = ask("Alex Marsh", ChildSought(forename="Sam", surname=surname, date_of_birth=BORN))
    assert event.details["own_surname"] is True
    assert surname not in event.to_bytes().decode()


@pytest.mark.parametrize(
    "sought",
    [ChildSought(forename="Sam", surname="Marshall", date_of_birth=BORN), ChildSought(upn="A823456789012"), None],
    ids=["another name", "no name", "nobody in particular"],
)
def test_anybody_else_is_not(sought: ChildSought | None) -> None:
    assert "own_surname" not in ask("Alex Marsh", sought).details
