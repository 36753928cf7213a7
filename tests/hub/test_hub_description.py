"""The hub held to its own description: whoever sends whatever, no error of ours and no answer that is not in it."""

from collections.abc import Iterator

import pytest

from hub.app import create_app
from hub.sign_in import issue_code
from tests.described import Caller, Doorway, Trial, assert_handed_out, list_operations, load_description, open_session
from tests.hub.pages.kept_releases import find_release_id
from tests.hub.played_federation import HUB_ADDRESS, PROJECT, found_federation

DOORWAY = Doorway()
SCHEMA = load_description("hub", DOORWAY)
OPERATIONS = list_operations(SCHEMA)
MEMBERS = ("node-301", "ana", "cho", "gus", "eve")
"""One of each kind of member, who sign what they send."""

VISITORS = ("", "ana", "bea", "eve", "gus")
"""One of each kind of visitor of the pages, and nobody."""

every_operation = pytest.mark.parametrize("label", OPERATIONS)


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """A hub with a query in each state, and its callers."""
    federation = found_federation(tmp_path_factory.mktemp("described"))
    released = federation.start()
    federation.refuse(federation.answer(released, "node-301", "node-303"), "node-302")
    submitted = federation.sign(federation.draft(), "ana", "cho")
    running = federation.answer(federation.start(), "node-301")
    DOORWAY.app, DOORWAY.clock = create_app(federation.hub), federation.clock
    signing = (Caller(name, federation.parties[name].keys) for name in MEMBERS)
    visiting = (open_session(DOORWAY.app, name and issue_code(federation.hub, name)) for name in VISITORS)
    known = {
        "query_id": (federation.draft(), submitted, running, released),
        "release_id": (find_release_id(federation, released),),
        "name": (PROJECT, "child_year"),
        "project": (PROJECT,),
        "academic_year": ("202425",),
        "form": ("csv", "xlsx"),
        "filename": ("circe.css",),
    }
    yield Trial(DOORWAY, HUB_ADDRESS, (*signing, *visiting), known)
    federation.hub.close()


def test_the_hub_hands_out_its_description(trial: Trial) -> None:
    assert_handed_out(trial.doorway.app, "hub")


@every_operation
def test_the_hub_keeps_to_its_description(trial: Trial, label: str) -> None:
    trial.try_operation(OPERATIONS[label], examples=4)


@pytest.mark.deep
@every_operation
def test_the_hub_keeps_to_its_description_at_length(trial: Trial, label: str) -> None:
    trial.try_borders(SCHEMA, OPERATIONS[label])
    trial.try_operation(OPERATIONS[label], examples=40)
