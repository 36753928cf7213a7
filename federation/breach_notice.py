"""What to do about a breach, in order, and a draft of the notice to the Information Commissioner (UK GDPR, Art. 33).

Whatever the logs cannot know is left in square brackets, for whoever has the duty to tell: a draft is no notice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.event import Action
from federation.breach import Reach, Span, Stolen
from federation.register import Member, MemberKind
from federation.told_days import tell_day

NOTICE_WITHIN = timedelta(hours=72)
"""How soon the Information Commissioner is told, from when the controller became aware (Art. 33(1))."""

MEANINGS = {action.value: action.meaning for action in Action}
ABBREVIATIONS = frozenset({"ehc", "la", "pep", "sdq", "sen", "upn", "urn"})


def list_steps(stolen: Stolen, reach: Reach) -> tuple[tuple[str, str], ...]:
    """Return what to do, in order: why, and the command."""
    who = stolen.member.id if stolen.member else stolen.person
    evidence = (
        *_keep_evidence(reach, who),
        ("Take the whole log away before anything else happens", "circe audit export --state DIR --as YOU FILE"),
        ("See that nobody wrote it anew, by a checkpoint kept elsewhere", "circe audit verify --state DIR --kept FILE"),
    )
    return (*(_end_member(stolen.member) if stolen.member else _end_person(who)), *evidence)


def _keep_evidence(reach: Reach, who: str) -> Iterator[tuple[str, str]]:
    """Yield a hold for each log, over all that was touched: what names a key or was done by it is not by one person."""
    places: dict[str, list[int]] = {}
    for touch in reach.touched:
        places.setdefault(touch.log, []).append(touch.entry)
    for log, entries in places.items():
        covered = f"--first {min(entries)} --last {max(entries)}"
        why = f"Keep the evidence in the log of {log}, whatever its age"
        yield why, f'circe audit hold place --state DIR --as YOU {covered} --reason "breach"'
    if not places:
        why = "Keep what evidence comes up, whatever its age"
        yield why, f'circe audit hold place --state DIR --as YOU --person {who} --reason "breach"'


def _end_member(member: Member) -> Iterator[tuple[str, str]]:
    yield (
        "End the keys, on the machine of the root key: nothing that they sign counts from then on",
        f"circe member revoke --root ROOT --register register.json --id {member.id}",
    )
    yield "Hand the new register to every node yourself", "circe member join --state DIR --register register.json"
    yield (
        "Invite the member again, with other keys in a new directory",
        f"circe member invite --root ROOT --id {member.id} ...",
    )
    if member.kind is MemberKind.NODE:
        yield (
            "Serve from the new directory alone; what was sealed to the old keys in their last week is theirs to read",
            "circe node serve --state NEW",
        )


def _end_person(person: str) -> Iterator[tuple[str, str]]:
    yield "See by which passkeys they sign in", f"circe node passkeys --state DIR --person {person}"
    yield (
        "Take each of them away: it signs nobody in from then on",
        f"circe node passkeys --state DIR --person {person} --remove ID",
    )
    yield "Take their rights away until it is clear: remove their entry from the node's people.toml", "people.toml"
    yield (
        "If the register has them as an approver, end that too",
        f"circe member revoke --root ROOT --register register.json --id {person}@ORGANISATION",
    )


@dataclass(frozen=True)
class Notifier:
    """Who has the duty to tell: the controller, and whom to call."""

    organisation: str
    contact: str


def write_notice(
    reach: Reach,
    stolen: Stolen,
    span: Span,
    notifier: Notifier,
    *,
    aware_at: datetime,
    now: datetime,
    read_since: datetime | None = None,
) -> str:
    """Return a draft of the notice to the Information Commissioner, as plain text.

    `read_since` is when the entries begin that were read, where those of the span were not all.
    """
    due = aware_at + NOTICE_WITHIN
    late = "" if now <= due else "The 72 hours are over: Art. 33(1) wants the reasons for the delay: [reasons]\n"
    return "\n".join(
        (
            "NOTICE OF A PERSONAL DATA BREACH: DRAFT (UK GDPR, Article 33)",
            "",
            f"Controller: {notifier.organisation}",
            f"We became aware: {_moment(aware_at)}. To be told by: {_moment(due)}.",
            late,
            "1. What happened (Art. 33(3)(a))",
            f"{stolen.words[:1].upper()}{stolen.words[1:]} may have been used by somebody else from "
            f"{_moment(span.since)} to {_moment(span.until)}.",
            "How it came about: [how]",
            *_describe_reading(read_since),
            *_describe_reach(reach),
            "",
            "2. Whom to call (Art. 33(3)(b))",
            f"Data protection officer: [name and telephone]. Service: {notifier.contact}",
            "",
            "3. What may come of it (Art. 33(3)(c))",
            *_describe_risks(reach),
            "",
            "4. What we have done, and will do (Art. 33(3)(d))",
            *(f"- {why}: [done at / not yet]" for why, _ in list_steps(stolen, reach)),
            "",
            "5. Telling those concerned (Art. 34)",
            _describe_telling(reach),
            "",
            "6. What we do not know yet, and when we shall (Art. 33(4))",
            "[what, and by when]. The log cannot show what was read by whoever had a machine or a disk in their hands.",
            "",
        )
    )


def _describe_reading(since: datetime | None) -> Iterator[str]:
    if since is not None:
        yield (
            f"[NOT ALL OF IT: the numbers here are of entries from {_moment(since)} on alone. Do not send this draft: "
            "circe audit breach reads all, and drafts it anew]"
        )


def _describe_reach(reach: Reach) -> Iterator[str]:
    yield f"Our audit logs have {len(reach.touched)} entries that it has to do with in that time:"
    yield from (f"- {number} times: {MEANINGS[name]}" for name, number in reach.acts)
    if reach.children:
        yield f"Those concerned: children in care, about {reach.children}, and those who work with them."
        yield f"Kinds of data: {', '.join(map(_in_words, reach.fields)) or '[kinds]'}."
    else:
        yield "No entry shows that a child's record was told or changed. Those concerned: [who]."
    if reach.organisations:
        yield f"Other organisations concerned, each of whom is told: {', '.join(reach.organisations)}."


def _describe_risks(reach: Reach) -> Iterator[str]:
    if reach.children:
        yield "- Somebody may know where a child goes to school, or that they are in care: a risk to their safety."
    if reach.copies:
        yield f"- {reach.copies} copies were taken away, and may be passed on."
    for touch in reach.powers:
        place = f"entry {touch.entry} of the log of {touch.log}, {_moment(touch.at)}"
        yield f"- What goes on having effect ({place}): {MEANINGS[touch.action]} [undone?]"
    yield "- [whatever else you know]"


def _describe_telling(reach: Reach) -> str:
    if reach.children:
        return (
            "Records of children in care are likely to be a high risk: the children, or whoever answers for them, are "
            "told without undue delay, by somebody who knows them. [whose records, decision, and by whom]"
        )
    return "Not needed unless there is a high risk: [decision, and by whom]"


def _in_words(column: str) -> str:
    """A column of a child's record, for somebody who has never seen one."""
    return " ".join(word.upper() if word in ABBREVIATIONS else word for word in column.split("_"))


def _moment(at: datetime) -> str:
    return f"{tell_day(at)}, {at:%H:%M} UTC"
