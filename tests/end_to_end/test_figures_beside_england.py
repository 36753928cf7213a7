"""From a released sum to a director's page: fetched, verified, and shown beside ours."""

from collections.abc import Iterator

import msgspec
import pytest

from audit.event import Action, Outcome
from audit.log import read_entries
from federation.exchange import ReleaseDocument
from federation.hub_line import HubRefused
from federation.manifest import Path as LeavingPath
from federation.problems import Problem
from federation.reports.shelf import NOT_RELEASED
from node.figures.comparing import find_beside
from node.figures.declared import load_declared, write_sql
from node.figures.releases import fetch_releases
from node.service import Node
from node.setting_up import enter_person
from tests.end_to_end.adding_up import AddingUp, adding_up
from tests.small_federation import SmallFederation

MEASURE, YEAR = load_declared().find_measure("school_changes"), 202425


@pytest.fixture(scope="module")
def england(pristine_london: SmallFederation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AddingUp]:
    """Six authorities that answered how many of their children changed school, with noise."""
    with adding_up(pristine_london, tmp_path_factory.mktemp("beside")) as found:
        found.ask(write_sql(MEASURE, None, YEAR), LeavingPath.NOISY_SUM)
        for node in found.nodes.values():
            enter_person(node.party.directory, "director", "director_of_childrens_services", "Director")
        yield found


class Lying:
    """A hub that hands out another release than the nodes signed, or none."""

    def __init__(self, document: ReleaseDocument | None) -> None:
        self._document = document

    def fetch_release(self, query_id: str) -> ReleaseDocument:
        if self._document is None:
            raise HubRefused(Problem(title="not_released", status=404, code="not_released", detail="not yet"))
        return self._document


def fetch(england: AddingUp, node: Node) -> int:
    return fetch_releases(node, england.connect(node.party), node.find_person("director"))


def test_what_is_released_stands_beside_our_figure(england: AddingUp) -> None:
    node = england.nodes["301"]
    assert find_beside(node, MEASURE, YEAR)[1].text == NOT_RELEASED
    assert fetch(england, node) == 1
    region, nation = find_beside(node, MEASURE, YEAR)
    assert nation.share is not None
    assert 0 < nation.share < 1
    assert "6 authorities, with noise" in nation.source
    assert region.text == NOT_RELEASED
    assert fetch(england, node) == 0
    (entry,) = read_entries(node.database.connection, action=Action.FIGURES_FETCHED)
    assert entry.to_event().outcome is Outcome.DONE


def test_a_release_that_the_nodes_did_not_sign_is_not_kept(england: AddingUp) -> None:
    node, other = england.nodes["302"], england.nodes["316"]
    fetch(england, other)
    (row,) = other.database.connection.execute("SELECT document FROM figures_released").fetchall()
    document = msgspec.json.decode(bytes(row["document"]), type=ReleaseDocument)
    forged = msgspec.structs.replace(document, table={**document.table, "answered": document.table["answered"][1:]})
    person = node.find_person("director")
    assert fetch_releases(node, Lying(forged), person) == 0
    assert find_beside(node, MEASURE, YEAR)[1].text == NOT_RELEASED
    (entry,) = read_entries(node.database.connection, action=Action.FIGURES_FETCHED)
    assert entry.to_event().outcome is Outcome.REFUSED


def test_what_is_not_released_leaves_no_trace(england: AddingUp) -> None:
    node = england.nodes["317"]
    assert fetch_releases(node, Lying(None), node.find_person("director")) == 0
    assert list(read_entries(node.database.connection, action=Action.FIGURES_FETCHED)) == []
