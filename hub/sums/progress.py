"""How far a sum has got, for the page of its query: what has come in for its newest attempt, and what is awaited."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.queries import StoredQuery
from hub.service import Hub
from hub.sums.attempts import ArrivalKind, AttemptState, StoredAttempt, find_attempt


@dataclass(frozen=True)
class SumProgress:
    """Where the newest attempt at a sum stands; `number` is 0 while there is none.

    `awaited` are nodes that have neither contributed nor refused, until `closes_at`. Once it is settled who is in the
    sum it is `opening`: `revealed` nodes have handed in what opens it, which takes `threshold` of them.
    """

    number: int
    state: AttemptState
    contributed: int
    refused: int
    awaited: int
    opening: bool
    revealed: int
    threshold: int
    closes_at: datetime | None

    @property
    def in_words(self) -> tuple[str, ...]:
        """The progress in sentences."""
        if not self.number:
            return ("The nodes are preparing for it.",)
        came = f"{self.contributed} contributed, {self.refused} refused, {self.awaited} awaited"
        return f"Attempt {self.number}: {came}.", self._say_next()

    def _say_next(self) -> str:
        match self.state:
            case AttemptState.OPENED:
                return "The sum has been opened."
            case AttemptState.FAILED:
                return "It could not be opened."
            case AttemptState.ABORTING:
                return "Too few answered: the nodes are promising that it is over, so that it can be tried again."
            case AttemptState.OPEN if self.opening:
                return f"Being opened: {self.revealed} nodes have agreed, and {self.threshold} must."
            case AttemptState.OPEN:
                closes = f" until {self.closes_at:%H:%M} UTC" if self.closes_at else ""
                return f"Contributions are awaited{closes}."


def describe_sum(hub: Hub, query: StoredQuery) -> SumProgress:
    """Return how far the sum of a query has got."""
    terms, attempt = query.manifest.sum, find_attempt(hub, query.digest)
    assert terms is not None  # read_manifest holds the path to it
    asked = len(query.manifest.roster)
    if attempt is None:
        return SumProgress(0, AttemptState.OPEN, 0, 0, asked, False, 0, terms.threshold, None)
    arrived = _count_arrivals(hub, attempt)
    contributed, refused = (arrived.get(kind, 0) for kind in (ArrivalKind.CONTRIBUTION, ArrivalKind.REFUSAL))
    awaited = max(0, asked - contributed - refused)
    return SumProgress(
        number=attempt.number,
        state=attempt.state,
        contributed=contributed,
        refused=refused,
        awaited=awaited,
        opening=not awaited or attempt.survivors is not None,
        revealed=arrived.get(ArrivalKind.REVEAL, 0),
        threshold=terms.threshold,
        closes_at=attempt.started_at + timedelta(seconds=terms.gather_seconds),
    )


def _count_arrivals(hub: Hub, attempt: StoredAttempt) -> dict[str, int]:
    rows = hub.database.connection.execute(
        "SELECT kind, count(*) AS nodes FROM sum_arrivals WHERE digest = ? AND number = ? GROUP BY kind", attempt.place
    )
    return {row["kind"]: row["nodes"] for row in rows}
