"""Asking: from SQL to a draft, from the draft to a signed submission, and from there to the release.

What an asker leaves out follows from the question: its path from whether it has rows of authorities, its year from its
WHERE. The command line leaves it out by the same rules, since it comes through here too.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypedDict, Unpack

from federation.exchange import BudgetLeft, QueryDraft, QueryStatus
from federation.manifest import Path
from federation.question_check import QuestionCheck, check_question
from query_engine.planning.paths import default_path
from query_engine.planning.plan import QueryPlan
from query_engine.question import read_question

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from disclosure_control.noise.terms import Mechanism
    from disclosure_control.presets.shelf import PresetShelf
    from federation.client.result import Result
    from federation.client.states import KnownStates
    from federation.client.trial import Trial
    from federation.manifest import Reply

__all__ = [
    "Asker",
    "Progress",
    "Question",
    "QuestionIncomplete",
    "StillRunning",
    "Submission",
    "Terms",
    "draft_question",
]

Progress = Callable[[QueryStatus], object]
"""Is told where a query stands each time it has moved."""


class QuestionIncomplete(Exception):
    """A question leaves open what has to be said; the text says what to add."""


class StillRunning(Exception):
    """A query was not settled within the time that its asker would wait. It goes on, and can be taken up by its id."""


class Terms(TypedDict, total=False):
    """On what terms a question is asked; each of them may be left out."""

    preset: str
    path: str
    year: str
    term: str
    epsilon: str
    mechanism: "Mechanism"
    dropouts: int | None
    colluders: int | None
    roster: Sequence[str] | None
    valid_hours: int


def draft_question(sql: str, project: str, purpose: str, **terms: Unpack[Terms]) -> QueryDraft:
    """Return the draft of a question, with what is left out worked out from it.

    Raises `QueryRefused` for one that is not to be asked, and `QuestionIncomplete`.
    """
    plan = read_question(sql).plan
    roster = terms.get("roster")
    return QueryDraft(
        project=project,
        purpose=purpose,
        sql=sql,
        academic_year=terms.get("year") or _find_year(plan),
        preset=terms.get("preset", "opensafely"),
        roster=None if roster is None else tuple(sorted(roster)),
        valid_hours=terms.get("valid_hours", 168),
        path=Path(terms.get("path") or default_path(plan)[0]),
        snapshot_term=terms.get("term", ""),
        epsilon=terms.get("epsilon", "1"),
        dropouts=terms.get("dropouts"),
        colluders=terms.get("colluders"),
        mechanism=terms.get("mechanism", "polya"),
    )


def _find_year(plan: QueryPlan) -> str:
    if len(plan.academic_years) != 1:
        raise QuestionIncomplete("the question is about no one academic year: add academic_year = 202425 to its WHERE")
    return str(plan.academic_years[0])


class Asker(Protocol):
    """Whoever asks, follows and fetches in a member's name: a member's client."""

    @property
    def presets(self) -> "PresetShelf":
        """The presets that it reads by."""

    @property
    def states(self) -> "KnownStates":
        """What it knows of the states that queries can be in."""

    def now(self) -> datetime:
        """The moment."""

    def budget(self, project: str, academic_year: str) -> BudgetLeft:
        """Return how much privacy loss a project's next question about a year may cost."""

    def try_out(self, draft: QueryDraft) -> "Trial":
        """Have a draft answered of made-up children."""

    def submit(self, draft: QueryDraft) -> QueryStatus:
        """Have a draft turned into a manifest, compare it with the draft, sign it and submit it."""

    def watch(self, query_id: str) -> Iterator[QueryStatus]:
        """Yield where a query stands, at once and each time it has moved, until it is settled."""

    def status(self, query_id: str) -> QueryStatus:
        """Return where a query stands."""

    def refusals(self, query_id: str) -> "tuple[Reply, ...]":
        """Return who refused a query and why, verified."""

    def result(self, cited: str) -> "Result":
        """Return a release, verified."""


class Question:
    """A question that its asker has written down and not submitted yet.

    Whatever needs its figures submits it, once, and waits: `result()`, `to_pandas()` and `to_arrow()`.
    """

    def __init__(self, client: Asker, draft: QueryDraft) -> None:
        self._client, self.draft = client, draft

    def check(self) -> QuestionCheck:
        """Say what the question plans, what to mind, what would be withheld and what it costs; nobody is asked it."""
        draft = self.draft
        preset = self._client.presets.load(draft.preset)
        found = check_question(draft.sql, preset, draft.path, epsilon=draft.epsilon, mechanism=draft.mechanism)
        if found.price is None:
            return found
        return found.with_left(self._client.budget(draft.project, draft.academic_year))

    def try_out(self) -> "Trial":
        """Have the hub answer the question on its made-up England. Raises `HubRefused` where it has none."""
        return self._client.try_out(self.draft)

    def submit(self) -> "Submission":
        """Have the question drafted, compare its manifest with it, and sign and submit it: once, however often."""
        return self._submission

    @cached_property
    def _submission(self) -> "Submission":
        return Submission(self._client, self._client.submit(self.draft).query_id)

    def result(self, progress: Progress | None = None, patience: timedelta | None = None) -> "Result":
        """Submit the question unless it is, wait for its release and return that, verified."""
        return self.submit().result(progress, patience)

    def to_pandas(self, progress: Progress | None = None) -> "pd.DataFrame":
        """The release as a data frame, its symbols in columns of their own."""
        return self.result(progress).to_pandas()

    def to_arrow(self, progress: Progress | None = None) -> "pa.Table":
        """The release as an Arrow table, its symbols in columns of their own."""
        return self.result(progress).to_arrow()

    def _repr_html_(self) -> str:
        return self.check()._repr_html_()


class Submission:
    """A query that is under way, or over: followed by its id, from this session or a later one."""

    def __init__(self, client: Asker, query_id: str) -> None:
        self._client, self.query_id = client, query_id

    @property
    def status(self) -> QueryStatus:
        """Where it stands now, with each authority's answer."""
        return self._client.status(self.query_id)

    @property
    def refusals(self) -> "tuple[Reply, ...]":
        """Who refused it and why, as each node signed it. Raises `RefusalMismatch` where the hub says otherwise."""
        return self._client.refusals(self.query_id)

    def wait(self, progress: Progress | None = None, patience: timedelta | None = None) -> QueryStatus:
        """Wait until it is settled; `progress` is told each time it moves. Raises `StillRunning` after `patience`.

        The hub is looked at every half minute at least, so that patience may run over by as much.
        """
        started = self._client.now()
        for status in self._client.watch(self.query_id):
            if progress is not None:
                progress(status)
            if self._client.states.is_final(status.state) or patience is None:
                continue
            if self._client.now() - started >= patience:
                raise StillRunning(f"{self.query_id} is {status.state} after {patience}: take it up again by its id")
        return status

    def result(self, progress: Progress | None = None, patience: timedelta | None = None) -> "Result":
        """Wait for the release and return it, verified against what the nodes signed. Raises `HubRefused` if none."""
        self.wait(progress, patience)
        return self._client.result(self.query_id)

    def _repr_html_(self) -> str:
        from federation.client.notebook import draw_status

        return draw_status(self.status)
