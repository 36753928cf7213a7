"""A node held to its own description: whoever sends whatever, no error of ours and no answer that is not in it.

The hub that its pages reach is a real one in this process; the other nodes are away, and no page waits for them.
"""

import sys
from collections.abc import Iterator

import pytest

from federation.exchange import QueryDraft
from federation.state import Party
from node.app import create_app
from node.setting_up import enter_person
from node.sign_in import issue_code
from tests.described import Caller, Doorway, Trial, assert_handed_out, list_operations, load_description, open_session
from tests.end_to_end.one_process import HUB, OneProcess, answering_at_once
from tests.node.pages.conftest import PEOPLE
from tests.small_federation import QUESTION, SmallFederation, copy_federation

DOORWAY = Doorway()
SCHEMA = load_description("node", DOORWAY)
OPERATIONS = list_operations(SCHEMA)
OFFICER = "officer@la-203"
VISITORS = ("", "vsh", "admin", OFFICER, *PEOPLE)
"""One of each kind of the authority's people, and nobody."""

every_operation = pytest.mark.parametrize("label", OPERATIONS)


@pytest.fixture(scope="module")
def trial(pristine_federation: SmallFederation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """A loaded node, its people at its pages, and a query that waits for their approval."""
    federation = copy_federation(pristine_federation, tmp_path_factory.mktemp("described") / "federation")
    authority = federation.authorities[0]
    for person, (role, school) in {**PEOPLE, OFFICER: ("approver", None)}.items():
        enter_person(federation.directory / f"node-{authority}", person, role, person.title(), school)
    process = OneProcess(federation)
    with pytest.MonkeyPatch.context() as patched, answering_at_once():
        lead_to(process, patched)
        node = process.nodes[authority]
        DOORWAY.app, DOORWAY.clock = create_app(node), federation.clock
        callers: list[Caller] = []
        for name in VISITORS:
            callers.append(open_session(DOORWAY.app, name and issue_code(node, name)))
        yield Trial(DOORWAY, HUB, callers, {"query_id": (put_forward(process),), "filename": ("circe.css",)})
    process.close()


def lead_to(process: OneProcess, patched: pytest.MonkeyPatch) -> None:
    """Have every page that connects to the hub reach this one, and wait for nobody behind it."""

    def connect(party: Party, **_: object) -> object:
        return process.connect(party)

    for name, module in list(sys.modules.items()):
        if name.startswith("node.pages."):
            for attribute, value in (("connect_party", connect), ("PATIENCE", 0)):
                if hasattr(module, attribute):
                    patched.setattr(module, attribute, value)


def put_forward(process: OneProcess) -> str:
    """Have a question wait for approvals; returns its id."""
    draft = QueryDraft(
        project="attendance",
        purpose="How attendance differs",
        sql=QUESTION,
        academic_year="202425",
        preset="opensafely",
        roster=None,
        valid_hours=24,
    )
    with process.client("ana@ucl") as client:
        return client.submit(draft).query_id


def test_the_node_hands_out_its_description(trial: Trial) -> None:
    assert_handed_out(trial.doorway.app, "node")


@every_operation
def test_the_node_keeps_to_its_description(trial: Trial, label: str) -> None:
    trial.try_operation(OPERATIONS[label], examples=3)


@pytest.mark.deep
@every_operation
def test_the_node_keeps_to_its_description_at_length(trial: Trial, label: str) -> None:
    trial.try_borders(SCHEMA, OPERATIONS[label])
    trial.try_operation(OPERATIONS[label], examples=40)
