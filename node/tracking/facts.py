"""The facts of a tracking record: one frozen value for each thing that is set down, and the rules that it keeps.

Each class says what it is about by its first fields (`kinds.py` names them as its key): a fact with the same key takes
the place of an earlier one, which stays in the history. Values that cannot be together raise `FactInvalid` with a
sentence for each field, and never with what was written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal


class FactInvalid(Exception):
    """What was written is no fact; `errors` has a sentence for each field, none of which repeats a value."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = dict(errors)


def _check_order(first: date | None, last: date | None, name: str, before: str) -> None:
    if first is not None and last is not None and last < first:
        raise FactInvalid({name: f"this is before the day of {before}"})


@dataclass(frozen=True, kw_only=True, repr=False)
class StartingPoint:
    """Where a child stood in one subject on entering care, or as soon after as could be told."""

    subject: str
    grade: str
    assessed_on: date


@dataclass(frozen=True, kw_only=True, repr=False)
class Target:
    """What a child is to reach in one subject by the end of a term, and what the school expects without more."""

    term: str
    subject: str
    target: str
    expected: str | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class Attainment:
    """What a child reached in one subject at the end of a term."""

    term: str
    subject: str
    grade: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Qualification:
    """A qualification that a child can gain, as those who make the plan judge, and whether they are entered."""

    academic_year: int
    subject: str
    capable: bool
    entered: bool | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class Plan:
    """The personal education plan of one term: when it was made, how good it is, and whether it answers the SDQ."""

    term: str
    meeting_date: date | None = None
    completed_date: date | None = None
    quality: str | None = None
    sdq_strategies: bool | None = None

    def __post_init__(self) -> None:
        if self.meeting_date is None and self.completed_date is None:
            raise FactInvalid({"meeting_date": "say when the meeting was, or when the plan was completed"})
        _check_order(self.meeting_date, self.completed_date, "completed_date", "the meeting")


@dataclass(frozen=True, kw_only=True, repr=False)
class Support:
    """A piece of support, the target that it serves, and what Pupil Premium Plus paid for it."""

    kind: str
    start_date: date
    target_subject: str
    end_date: date | None = None
    cost: Decimal | None = None
    premium: bool | None = None

    def __post_init__(self) -> None:
        _check_order(self.start_date, self.end_date, "end_date", "its beginning")


@dataclass(frozen=True, kw_only=True, repr=False)
class Attendance:
    """The sessions of a term so far, as the school or the daily collection tells them."""

    term: str
    possible: int
    authorised: int
    unauthorised: int

    def __post_init__(self) -> None:
        if self.authorised + self.unauthorised > self.possible:
            raise FactInvalid({"possible": "more sessions were missed than were possible"})


@dataclass(frozen=True, kw_only=True, repr=False)
class TimeAway:
    """A time away from learning: suspended or excluded, without a school, on a part-time timetable, or otherwise.

    `days` are those away; of a time that goes on, those so far.
    """

    cause: str
    start_date: date
    end_date: date | None = None
    days: Decimal | None = None

    def __post_init__(self) -> None:
        _check_order(self.start_date, self.end_date, "end_date", "its beginning")
        if (
            self.end_date is not None
            and self.days is not None
            and self.days > (self.end_date - self.start_date).days + 1
        ):
            raise FactInvalid({"days": "there are fewer days than that between the two dates"})


@dataclass(frozen=True, kw_only=True, repr=False)
class Admission:
    """A school place that was asked for, and the day on which the child came on the roll."""

    request_date: date
    on_roll_date: date | None = None
    school_urn: int | None = None

    def __post_init__(self) -> None:
        _check_order(self.request_date, self.on_roll_date, "on_roll_date", "the request")


@dataclass(frozen=True, kw_only=True, repr=False)
class SchoolMove:
    """A change of the education placement: planned or not, in an emergency or not, and when the head agreed to it."""

    moved_on: date
    planned: bool
    emergency: bool
    agreed_on: date | None = None
    school_urn: int | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class Step:
    """One step of a conversation with a school about a child: who owns what comes next, and by when."""

    topic: str
    on: date
    step: str
    owner: str
    due: date | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        _check_order(self.on, self.due, "due", "the step")


@dataclass(frozen=True, kw_only=True, repr=False)
class Withdrawal:
    """Takes back a fact that was set down by mistake: its kind, and its key as it is written."""

    kind: str
    key: str


Fact = (
    StartingPoint
    | Target
    | Attainment
    | Qualification
    | Plan
    | Support
    | Attendance
    | TimeAway
    | Admission
    | SchoolMove
    | Step
    | Withdrawal
)
