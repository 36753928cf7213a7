"""One child's record as its page shows it: section by section, with what is flagged, charts and the history."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from node.tracking.absence import DaysAway, ToDate, attendance_to_date, days_away
from node.tracking.ambition import judge_target
from node.tracking.facts import Attendance, Fact, Plan, Support, Target, TimeAway, Withdrawal
from node.tracking.flags import Flagged, Watch, courses_of, find_flags
from node.tracking.kinds import KINDS, Field, Kind, key_of, kind_of
from node.tracking.known import KnownChild, YearFacts
from node.tracking.plans import TermPlan, list_plans
from node.tracking.progress import Shown, draw_attendance, draw_progress
from node.tracking.record import Entry, TrackingRecord
from node.tracking.values import SCHOOL, tell
from policies.names import FieldGroup


@dataclass(frozen=True)
class Row:
    """One fact of a section: its key, its values as people read them, and a remark."""

    key: str
    values: tuple[str, ...]
    remark: str = ""


@dataclass(frozen=True)
class Section:
    """The facts of one kind that hold now, and whether the reader may change them."""

    kind: Kind
    rows: tuple[Row, ...]
    is_open: bool


@dataclass(frozen=True)
class Line:
    """One line of the history: what was set down or taken back, as a title and its values under their labels."""

    version: int
    when: str
    who: str
    title: str
    values: tuple[tuple[Field, str], ...]
    reason: str

    @property
    def what(self) -> str:
        """The change in words, a school by its number."""
        return self.tell(str)

    def tell(self, name: Callable[[str], str]) -> str:
        """The change in words, a school as `name` has it."""
        told = (
            f"{field.label.lower()} {name(text) if field.reading is SCHOOL else text}" for field, text in self.values
        )
        return f"{self.title}: {', '.join(told)}" if self.values else self.title


@dataclass(frozen=True)
class ChildSummary:
    """Everything that a child's page shows."""

    version: int
    flags: tuple[Flagged, ...]
    plans: tuple[TermPlan, ...]
    progress: tuple[Shown, ...]
    attendance: Shown | None
    to_date: ToDate
    away: tuple[DaysAway, ...]
    sections: tuple[Section, ...]
    history: tuple[Line, ...]


def summarise(record: TrackingRecord, child: KnownChild, years: Sequence[YearFacts], watch: Watch) -> ChildSummary:
    """The summary of a record as its reader sees it."""
    may_read_plan = FieldGroup.PLAN_PEP in child.readable
    return ChildSummary(
        version=record.version,
        flags=find_flags(record, child, watch),
        plans=list_plans(record.all(Plan), child.care_start, watch.today, child.plans) if may_read_plan else (),
        progress=draw_progress(record, watch.acceleration),
        attendance=draw_attendance(years, record.all(Attendance)),
        to_date=attendance_to_date(record.all(Attendance), watch.academic_year),
        away=days_away(record.all(TimeAway), watch.academic_year, watch.today),
        sections=tuple(_section(kind, record, child, watch) for kind in KINDS.values() if kind.group in child.readable),
        history=tuple(tell_entry(entry) for entry in reversed(record.entries)),
    )


def _section(kind: Kind, record: TrackingRecord, child: KnownChild, watch: Watch) -> Section:
    facts = [(key, entry.fact) for (name, key), entry in record.standing.items() if name == kind.name]
    rows = (
        Row(key, tell_values(fact), _remark(fact, record, watch))
        for key, fact in sorted(facts, key=lambda each: each[0])
    )
    return Section(kind, tuple(rows), kind.group in child.writable)


def tell_values(fact: Fact) -> tuple[str, ...]:
    """The values of a fact as people read them, in the order of its kind's fields; a dash for what was left open."""
    told = ((field, getattr(fact, field.name)) for field in kind_of(fact).fields)
    return tuple("-" if value is None else tell(field.reading, value) for field, value in told)


def _remark(fact: Fact, record: TrackingRecord, watch: Watch) -> str:
    if isinstance(fact, Target):
        judged = judge_target(fact, courses_of(record, watch.acceleration).get(fact.subject))
        return "below the ambition rule" if not judged.keeps_rule else judged.ambition or ""
    if isinstance(fact, Support) and fact.target_subject in {each.subject for each in record.all(Target)}:
        return "linked to a target"
    return ""


def tell_entry(entry: Entry) -> Line:
    """An entry of the history in words."""
    kind = kind_of(entry.fact)
    if isinstance(entry.fact, Withdrawal):
        title = f"{kind.title} taken back: {key_of(entry.fact)[1].replace('/', ', ').replace('_', ' ')}"
        values: tuple[tuple[Field, str], ...] = ()
    else:
        title, told = kind.title, zip(kind.fields, tell_values(entry.fact), strict=True)
        values = tuple((field, value) for field, value in told if value != "-")
    when = f"{entry.at.day} {entry.at:%b %Y %H:%M}"
    who = f"{entry.by}, {entry.role.replace('_', ' ')}"
    if entry.told_by:
        who = f"{who}, on {entry.made.day} {entry.made:%b %Y}; handed over to us"
    return Line(entry.version, when, who, title, values, entry.reason)
