"""A node whose people see figures: a director, a regional director, a trust and a teacher of its schools."""

from collections.abc import Callable

import pytest

from node.figures.showing import Shown, Wish, show_figure
from node.service import Node
from node.setting_up import enter_person
from node.vault import read_vault
from tests.small_federation import SmallFederation

AUTHORITY, YEAR = "301", 202425

Ask = Callable[..., Shown]


def list_schools(node: Node) -> list[tuple[int, int]]:
    """The schools of our children in the year, those with the most of them first, and how many each has."""
    snapshot = node.store.current()
    assert snapshot is not None
    sql = """SELECT school_urn, count(*) FROM children WHERE academic_year = 202425 AND school_urn IS NOT NULL
        GROUP BY ALL ORDER BY count(*) DESC, school_urn"""
    return [(int(urn), int(count)) for urn, count in read_vault({"children": snapshot.identified["children"]}, sql)]


@pytest.fixture
def node(federation: SmallFederation) -> Node:
    found = federation.node(AUTHORITY)
    directory, urns = found.party.directory, [urn for urn, _ in list_schools(found)]
    enter_person(directory, "director", "director_of_childrens_services", "Director")
    enter_person(directory, "region", "regional_director", "Regional director")
    enter_person(directory, "trust", "academy_trust", "Trust", schools=urns[: len(urns) // 2])
    enter_person(directory, "teacher", "designated_teacher", "Teacher", urns[0])
    return found


@pytest.fixture
def ask(node: Node) -> Ask:
    """Shows a figure to one of the node's people."""

    def show(
        person: str, measure: str = "placements", by: str = "", whose: str = "authority", year: int = YEAR
    ) -> Shown:
        reader = node.find_person(person)
        return show_figure(node, reader, "Annual report", Wish(measure, by, year, whose))

    return show
