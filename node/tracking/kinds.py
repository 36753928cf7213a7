"""Every kind of fact, declared once: what it is called, who may see and change it, its key and its fields.

Forms on pages, files that are imported and exported, the database and the page `docs/tracking-data.md` all go by these
declarations. The group is the one that the access matrix knows the fact by: a target is part of the personal education
plan, which a designated teacher reads; a starting point and a conversation are the virtual school's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from node.tracking import values
from node.tracking.conversation import OWNERS, STEPS, TOPICS
from node.tracking.facts import (
    Admission,
    Attainment,
    Attendance,
    Fact,
    FactInvalid,
    Plan,
    Qualification,
    SchoolMove,
    StartingPoint,
    Step,
    Support,
    Target,
    TimeAway,
    Withdrawal,
)
from node.tracking.values import Reading, ValueUnreadable, words
from policies.names import FieldGroup

SUBJECT = words("subject", "english", "reading", "writing", "mathematics", "science", "other")
AIM = words(
    *("what it is for", "english", "reading", "writing", "mathematics", "science"),
    *("attendance", "social_and_emotional", "other"),
)
SUPPORT = words(
    *("kind of support", "tuition", "mentoring", "speech_and_language", "therapy", "equipment", "enrichment"),
    *("transport", "staffing", "other"),
)
QUALITY = words("quality", "good", "acceptable", "poor")
CAUSE = words(
    "cause", "suspension", "permanent_exclusion", "no_school_place", "part_time_timetable", "managed_move", "other"
)


@dataclass(frozen=True)
class Field:
    """One field of a kind: its name in files, its label on pages, how it is read, and what it means."""

    name: str
    label: str
    reading: Reading
    meaning: str
    required: bool = True


@dataclass(frozen=True)
class Kind:
    """One kind of fact. `key` are the fields that say what a fact is about."""

    name: str
    title: str
    meaning: str
    group: FieldGroup
    makes: type
    key: tuple[str, ...]
    fields: tuple[Field, ...]


_TERM = Field("term", "Term", values.TERM, "The academic year and the term that this is about.")
_SUBJECT = Field("subject", "Subject", SUBJECT, "The subject.")

_STARTING_POINT = Kind(
    "starting_point",
    "Starting point",
    "Where the child stood in a subject on entering care: progress is told from here.",
    FieldGroup.PLAN,
    StartingPoint,
    ("subject",),
    (
        _SUBJECT,
        Field("grade", "Grade at entry to care", values.GRADE, "The standard or grade at entry to care."),
        Field("assessed_on", "Assessed on", values.DAY, "The day of entry, or of the assessment nearest to it."),
    ),
)
_TARGET = Kind(
    "target",
    "Target",
    "What the child is to reach by the end of a term.",
    FieldGroup.PLAN_PEP,
    Target,
    ("term", "subject"),
    (
        _TERM,
        _SUBJECT,
        Field("target", "Target", values.GRADE, "The grade aimed at."),
        Field("expected", "School expects", values.GRADE, "The grade that the school expects without more.", False),
    ),
)
_ATTAINMENT = Kind(
    "attainment",
    "Attainment",
    "What the child reached at the end of a term.",
    FieldGroup.EDUCATION,
    Attainment,
    ("term", "subject"),
    (_TERM, _SUBJECT, Field("grade", "Reached", values.GRADE, "The grade reached.")),
)
_QUALIFICATION = Kind(
    "qualification",
    "Qualification",
    "A qualification that the child can gain, and whether the school enters them for it.",
    FieldGroup.PLAN_PEP,
    Qualification,
    ("academic_year", "subject"),
    (
        Field("academic_year", "Academic year", values.YEAR, "The academic year of the examination."),
        Field("subject", "Qualification", values.LINE, "The qualification, such as GCSE mathematics."),
        Field("capable", "Can gain it", values.YES_NO, "Whether those who make the plan agree that the child can."),
        Field("entered", "Entered", values.YES_NO, "Whether the child is entered; empty: not decided.", False),
    ),
)
_PLAN = Kind(
    "pep",
    "Personal education plan",
    "The plan of one term.",
    FieldGroup.PLAN_PEP,
    Plan,
    ("term",),
    (
        _TERM,
        Field("meeting_date", "Meeting on", values.DAY, "The day of the meeting.", False),
        Field("completed_date", "Completed on", values.DAY, "The day on which the plan was complete.", False),
        Field("quality", "Quality", QUALITY, "The virtual school's grade of the plan.", False),
        Field(
            "sdq_strategies",
            "SDQ strategies",
            values.YES_NO,
            "Whether strategies are recorded that answer the strengths and difficulties score.",
            False,
        ),
    ),
)
_SUPPORT = Kind(
    "support",
    "Support",
    "A piece of support, and the target that it serves.",
    FieldGroup.PLAN_PEP,
    Support,
    ("kind", "start_date", "target_subject"),
    (
        Field("kind", "Kind", SUPPORT, "The kind of support."),
        Field("start_date", "From", values.DAY, "The first day."),
        Field("target_subject", "Target that it serves", AIM, "The target that it is to help reach."),
        Field("end_date", "Until", values.DAY, "The last day; empty: it goes on.", False),
        Field("cost", "Cost in pounds", values.POUNDS, "What it costs in all.", False),
        Field("premium", "From Pupil Premium Plus", values.YES_NO, "Whether Pupil Premium Plus pays for it.", False),
    ),
)
_ATTENDANCE = Kind(
    "attendance",
    "Attendance to date",
    "The sessions of a term so far.",
    FieldGroup.EDUCATION,
    Attendance,
    ("term",),
    (
        _TERM,
        Field("possible", "Sessions possible", values.WHOLE, "Half-days that there were so far."),
        Field("authorised", "Missed, authorised", values.WHOLE, "Half-days missed with the school's leave."),
        Field("unauthorised", "Missed, unauthorised", values.WHOLE, "Half-days missed without it."),
    ),
)
_TIME_AWAY = Kind(
    "time_away",
    "Time away from learning",
    "A time away from learning, whatever the cause.",
    FieldGroup.EDUCATION,
    TimeAway,
    ("cause", "start_date"),
    (
        Field("cause", "Cause", CAUSE, "Why the child is away from learning."),
        Field("start_date", "From", values.DAY, "The first day."),
        Field("end_date", "Until", values.DAY, "The last day; empty: it goes on.", False),
        Field("days", "School days away", values.DAYS, "School days away, or missed of a timetable.", False),
    ),
)
_ADMISSION = Kind(
    "admission",
    "School place asked for",
    "A request for a school place, and when the child came on the roll.",
    FieldGroup.EDUCATION,
    Admission,
    ("request_date",),
    (
        Field("request_date", "Asked for on", values.DAY, "The day on which the school received the request."),
        Field("on_roll_date", "On roll from", values.DAY, "The day on the roll; empty: not yet.", False),
        Field("school_urn", "School's URN", values.SCHOOL, "The school that was asked.", False),
    ),
)
_SCHOOL_MOVE = Kind(
    "school_move",
    "Change of school",
    "A change of the education placement, which the virtual school head agrees beforehand, but in an emergency.",
    FieldGroup.EDUCATION,
    SchoolMove,
    ("moved_on",),
    (
        Field("moved_on", "Moves on", values.DAY, "The first day at the new school."),
        Field("planned", "Planned", values.YES_NO, "Whether the change was planned for the child's good."),
        Field("emergency", "Emergency", values.YES_NO, "Whether it could not wait for the head's agreement."),
        Field("agreed_on", "Head agreed on", values.DAY, "The day on which the virtual school head agreed.", False),
        Field("school_urn", "New school's URN", values.SCHOOL, "The new school.", False),
    ),
)
_STEP = Kind(
    "step",
    "Conversation with the school",
    "A step of the conversation with a school about one topic.",
    FieldGroup.PLAN,
    Step,
    ("topic", "on", "step"),
    (
        Field("topic", "About", TOPICS, "What the conversation is about."),
        Field("on", "On", values.DAY, "The day of the step."),
        Field("step", "Step", STEPS, "What was done."),
        Field("owner", "Next with", OWNERS, "Who owns what comes next."),
        Field("due", "By", values.DAY, "The day by which it is to come.", False),
        Field("note", "Note", values.LINE, "What was said, in a line.", False),
    ),
)

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        *(_STARTING_POINT, _TARGET, _ATTAINMENT, _QUALIFICATION, _PLAN, _SUPPORT),
        *(_ATTENDANCE, _TIME_AWAY, _ADMISSION, _SCHOOL_MOVE, _STEP),
    )
}
"""Every kind that is set down; `Withdrawal` takes one of them back."""

_BY_CLASS = {kind.makes: kind for kind in KINDS.values()}
_WITHDRAWN = "withdrawn"


def kind_of(fact: Fact) -> Kind:
    """The kind of a fact; of a withdrawal, the kind that it takes back."""
    return KINDS[fact.kind] if isinstance(fact, Withdrawal) else _BY_CLASS[type(fact)]


def key_of(fact: Fact) -> tuple[str, str]:
    """What a fact is about: its kind, and its key as it is written."""
    if isinstance(fact, Withdrawal):
        return fact.kind, fact.key
    kind, written = kind_of(fact), write_fact(fact)
    return kind.name, "/".join(written[name] for name in kind.key)


def write_fact(fact: Fact) -> dict[str, str]:
    """A fact as texts, by field; what it leaves open is left out."""
    if isinstance(fact, Withdrawal):
        return {_WITHDRAWN: fact.key}
    told = ((field, getattr(fact, field.name)) for field in kind_of(fact).fields)
    return {field.name: field.reading.write(value) for field, value in told if value is not None}


def read_fact(kind: Kind, texts: Mapping[str, str]) -> Fact:
    """The fact that some texts tell, by field. Raises `FactInvalid` with a sentence for each that is wrong."""
    if _WITHDRAWN in texts:
        return Withdrawal(kind=kind.name, key=texts[_WITHDRAWN])
    read: dict[str, object] = {}
    errors: dict[str, str] = {}
    for field in kind.fields:
        text = texts.get(field.name, "").strip()
        try:
            if text:
                read[field.name] = field.reading.read(text)
            elif field.required:
                errors[field.name] = f"{field.label} is missing: {field.reading.asked}"
        except ValueUnreadable as unreadable:
            errors[field.name] = f"{field.label} cannot be read: {unreadable}"
    if errors:
        raise FactInvalid(errors)
    made: Fact = kind.makes(**read)
    return made
