"""Two people edit one record in two processes at once: one is kept, the other is told; in the end nothing is lost."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from audit.event import Action, Outcome
from node.setting_up import enter_person
from node.tracking import store
from node.tracking.facts import Target
from node.tracking.visit import begin_visit
from tests.node.lookups.test_lookups import events
from tests.small_federation import SmallFederation

HOME = "301"
SUBJECTS = {"vsh": "english", "staff": "mathematics"}
ROUNDS = 5


class Editor:
    """One process, and what is said to it; every step is answered with a line before the next is taken."""

    def __init__(self, state: str, person: str) -> None:
        self.subject = SUBJECTS[person]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.node.tracking.record_writer", state, person],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tell(self, *step: object) -> None:
        assert self.process.stdin is not None
        print(*step, file=self.process.stdin, flush=True)

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def close(self) -> None:
        self.process.communicate(timeout=60)


@pytest.fixture
def editors(federation: SmallFederation) -> Iterator[tuple[Editor, Editor]]:
    state = federation.directory / f"node-{HOME}"
    enter_person(state, "staff", "virtual_school_staff", "Staff")
    with ExitStack() as stack:
        pair = (Editor(str(state), "vsh"), Editor(str(state), "staff"))
        for editor in pair:
            stack.callback(editor.close)
        assert [editor.hear() for editor in pair] == ["ready", "ready"]
        yield pair


def test_of_two_who_edit_at_once_one_is_kept_and_the_other_asked_again(
    federation: SmallFederation, editors: tuple[Editor, Editor]
) -> None:
    """Both have read the same version before either writes, and neither waits for the other to write."""
    for grade in range(1, ROUNDS + 1):
        for editor in editors:
            editor.tell("read")
        assert [editor.hear() for editor in editors] == [str(2 * (grade - 1))] * 2
        for editor in editors:
            editor.tell("write", editor.subject, grade)
        answers = {editor: editor.hear() for editor in editors}
        assert sorted(answers.values()) == [f"kept {2 * grade - 1}", "moved 1"]
        (late,) = (editor for editor, answer in answers.items() if answer == "moved 1")
        late.tell("read")
        assert late.hear() == str(2 * grade - 1)
        late.tell("write", late.subject, grade)
        assert late.hear() == f"kept {2 * grade}"
    node = federation.node(HOME)
    visit = begin_visit(node, "vsh", "To see what is there")
    record = store.read_record(node.database.connection, visit.children[0].token)
    assert [entry.version for entry in record.entries] == list(range(1, 2 * ROUNDS + 1))
    said = sorted(
        (entry.by, entry.fact.subject, entry.fact.target) for entry in record.entries if isinstance(entry.fact, Target)
    )
    assert said == sorted(
        (by, subject, str(grade)) for by, subject in SUBJECTS.items() for grade in range(1, ROUNDS + 1)
    )
    changes = events(node, Action.TRACKING_UPDATED)
    outcomes = [event.outcome for event in changes]
    assert (outcomes.count(Outcome.DONE), outcomes.count(Outcome.REFUSED)) == (2 * ROUNDS, ROUNDS)
