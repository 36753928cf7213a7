"""What is known of a child apart from their tracking record: from the snapshot, as far as its reader may see it."""

from dataclasses import dataclass
from datetime import date

from policies.names import FieldGroup


@dataclass(frozen=True, kw_only=True, repr=False)
class YearFacts:
    """What the reporting tables say of one academic year of a child; what is not known, or not to be seen, is None."""

    academic_year: int
    attendance_rate: float | None = None
    days_out_of_learning: float | None = None
    suspensions: int | None = None
    suspension_days: float | None = None
    school_changes: int | None = None
    placements: int | None = None
    unplanned_placement_moves: int | None = None
    managed_moves: int | None = None
    days_request_to_roll: int | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class LoadedPlan:
    """The personal education plan of one term that was reviewed, as the reporting tables have it."""

    term: str
    on_time: bool
    quality: str | None = None
    sdq_strategies: bool | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class KnownChild:
    """One child in care, as one reader may see them.

    `token` is the row token of the snapshots; `readable` and `writable` are the groups of fields that the reader may
    read and change: nobody changes what they may not read. Every field of another group is None. A newcomer is in no
    return yet (`node.tracking.newcomers`).
    """

    token: str
    number: str | None
    readable: frozenset[FieldGroup]
    writable: frozenset[FieldGroup]
    name: str | None = None
    upn: str | None = None
    date_of_birth: date | None = None
    care_start: date | None = None
    year_group: int | None = None
    host_authority: str | None = None
    school_urn: int | None = None
    placement_type: str | None = None
    sen_provision: str | None = None
    sdq_score: int | None = None
    years: tuple[YearFacts, ...] = ()
    plans: tuple[LoadedPlan, ...] = ()
    is_newcomer: bool = False

    @property
    def latest(self) -> YearFacts | None:
        """The newest academic year of which anything is known."""
        return self.years[-1] if self.years else None

    @property
    def attendance_rate(self) -> float | None:
        """The share of sessions attended in that year."""
        return self.latest.attendance_rate if self.latest else None
