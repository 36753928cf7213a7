"""One child's record as its page shows it: section by section, with what is flagged, charts and the history."""

from collections.abc import Callable, Iterator, Sequence
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
from node.tracking.values import DAY, SCHOOL, TERM, YEAR, tell
from policies.names import FieldGroup

ROOM, MOST_OF_A_KIND = 28, 6
"""Facts for which one sheet of paper has room, and how many of a kind at most: one for each subject."""


@dataclass(frozen=True)
class Row:
    """One fact of a section: its key, its values as people read them, a remark, and whether paper has room for it."""

    key: str
    values: tuple[str, ...]
    remark: str = ""
    on_paper: bool = True


@dataclass(frozen=True)
class Section:
    """The facts of one kind that hold now, and whether the reader may change them."""

    kind: Kind
    rows: tuple[Row, ...]
    is_open: bool

    @property
    def left_out(self) -> int:
        """How many facts, the earliest, are on the page and not on paper."""
        return sum(not row.on_paper for row in self.rows)


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
        sections=tuple(_list_sections(record, child, watch)),
        history=tuple(tell_entry(entry) for entry in reversed(record.entries)),
    )


def _list_sections(record: TrackingRecord, child: KnownChild, watch: Watch) -> Iterator[Section]:
    read = [kind for kind in KINDS.values() if kind.group in child.readable]
    standing: dict[str, list[tuple[str, Fact]]] = {kind.name: [] for kind in read}
    for (name, key), entry in sorted(record.standing.items()):
        if name in standing:
            standing[name].append((key, entry.fact))
    room = share_paper([len(facts) for facts in standing.values()])
    for kind in read:
        facts = standing[kind.name]
        first = find_first_on_paper([_moment_of(fact) for _, fact in facts], room)
        rows = (
            Row(key, tell_values(fact), _remark(fact, record, watch), _moment_of(fact) >= first) for key, fact in facts
        )
        yield Section(kind, tuple(rows), kind.group in child.writable)


def share_paper(facts: Sequence[int]) -> int:
    """How many facts of each kind one sheet has room for, where there are so many of each: as many as all can have."""
    return next(most for most in range(MOST_OF_A_KIND, 0, -1) if most == 1 or sum(min(n, most) for n in facts) <= ROOM)


def find_first_on_paper(moments: Sequence[str], room: int) -> str:
    """From which moment on facts of a kind are on paper: all of the newest, and of earlier ones what has room."""
    newest = sorted(moments, reverse=True)
    first = newest[0] if newest else ""
    for moment in newest:
        if sum(each >= moment for each in newest) > room:
            break
        first = moment
    return first


def _moment_of(fact: Fact) -> str:
    """The day, term or year that a fact is of, such that later ones of its kind are greater."""
    dated = next(field for field in kind_of(fact).fields if field.required and field.reading in (DAY, TERM, YEAR))
    return dated.reading.write(getattr(fact, dated.name))


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
