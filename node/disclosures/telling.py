"""A record of disclosures in plain words, for a parent or young person: who saw what, when, why, by whose log.

One lookup is one sentence, though two logs have it: what the other authority's own log says goes before what ours says
of it, and where only one of them has it, the record says so. Roles stand for people's names.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from audit.event import Action
from node.disclosures.record import Disclosure
from policies.names import Relation, Role
from query_engine.geography import load_authorities

LONDON = ZoneInfo("Europe/London")

ROLES: Mapping[str, str] = {
    Role.VIRTUAL_SCHOOL_HEAD: "The virtual school head",
    Role.VIRTUAL_SCHOOL_STAFF: "A member of the virtual school",
    Role.DESIGNATED_TEACHER: "The designated teacher of a school",
    Role.SOCIAL_WORKER: "A social worker",
    Role.CARER_FACING_STAFF: "A member of staff who supports carers",
    Role.IG_OFFICER: "The information governance officer",
    Role.DIRECTOR_OF_CHILDRENS_SERVICES: "The director of children's services",
    Role.NODE_ADMINISTRATOR: "The person who runs the computer system",
}

REASONS: Mapping[str, str] = {
    Relation.HOME: "You are in this authority's care",
    Relation.HOST: "Your school is in their area",
    Relation.SCHOOL: "You are at their school",
    Relation.NAMED_CHILD: "We named you to them, so that they can help",
    Relation.EMERGENCY: "They said that your safety could not wait",
    Relation.PREVIOUSLY_HERE: "Your school is in this area, and you left care for a permanent home",
    Relation.IN_NEED_HERE: "Your school is in this area, and children's services work with your family",
    Relation.KINSHIP_HERE: "Your school is in this area, and you live with relatives or friends",
}

FIELDS: Mapping[str, str] = {
    "la_child_id": "our own number for you",
    "upn": "your pupil number",
    "sen_provision": "support for special needs",
    "sen_primary_need": "kind of special need",
    "sdq_score": "score of the wellbeing questionnaire",
    "sdq_band": "band of the wellbeing questionnaire",
    "pep_on_time": "whether your education plan was on time",
    "host_authority": "area of your school",
    "school_urn": "school",
    "care_start": "when you came into care",
    "care_end": "when you left care",
    "fsm_status": "free school meals",
    "rests_on": "the order or plan that you have",
    "since": "since when",
    "status_told_by": "who told of it",
    "tracked_education": "what was written down about your education",
    "tracked_plan": "your plan",
    "tracked_pep": "your education plan",
}
"""What a field is called, where its own name would not tell a reader."""


@dataclass(frozen=True)
class Told:
    """One disclosure in plain words. `agreed` is None where there is one log alone that should have it."""

    at: datetime
    who: str
    did: str
    why: str
    because: str
    fields: tuple[str, ...]
    agreed: bool | None
    reference: str


def tell_record(disclosures: Sequence[Disclosure], home: str) -> tuple[Told, ...]:
    """Return disclosures in plain words, one for each lookup or act, oldest first."""
    groups: dict[object, list[Disclosure]] = {}
    for each in disclosures:
        key = each.reference if each.reference.startswith(("L-", "P-")) else (each.log, each.entry)
        groups.setdefault(key, []).append(each)
    told = (_tell_group(group, home) for group in groups.values())
    return tuple(sorted(told, key=lambda each: each.at))


def _tell_group(group: Sequence[Disclosure], home: str) -> Told:
    """Tell of what both logs have of one act by the entry that says most: the reader's own, with what they saw."""
    saw = next((each for each in group if each.action == Action.LOOKUP_RECEIVED), group[-1])
    logs = {each.log for each in group}
    other = _name_other(saw, home)
    # Only an act between two authorities has two logs that should have it.
    shared = bool(other) and saw.reference.startswith(("L-", "P-"))
    return Told(
        at=datetime.fromisoformat(saw.at).astimezone(LONDON),
        who=_name_actor(saw, home),
        did=_name_act(saw, other, home),
        why=saw.purpose,
        because=REASONS.get(saw.relationship, ""),
        fields=tuple(FIELDS.get(name, name.replace("_", " ")) for name in saw.fields),
        agreed=len(logs) > 1 if shared else None,
        reference=saw.reference,
    )


def _name_other(each: Disclosure, home: str) -> str:
    """Return the authority at the other end, or nothing where there is none."""
    candidates: Iterable[str] = (each.log, each.acting_for, each.other)
    return next((code for code in candidates if code and code != home), "")


def name_authority(code: str) -> str:
    """Return an authority's name, or its code where it has none."""
    found = load_authorities().get(code)
    return found.name if found else f"authority {code}"


def _name_actor(each: Disclosure, home: str) -> str:
    role = each.actor.rpartition(" (")[2].removesuffix(")") if " (" in each.actor else ""
    person = ROLES.get(role, "A member of staff") if role else "The computer system"
    organisation = each.acting_for or each.log
    return f"{person} here" if organisation == home else f"{person} of {name_authority(organisation)}"


def _name_act(each: Disclosure, other: str, home: str) -> str:
    elsewhere = name_authority(other) if other else "another authority"
    match each.action:
        case Action.LOOKUP_RECEIVED if each.log != home:
            return "saw information about you that we hold"
        case Action.LOOKUP_RECEIVED:
            return f"saw information about you that {elsewhere} holds"
        case Action.LOOKUP_ANSWERED if each.log == home:
            return "asked for information about you that we hold, and was given it"
        case Action.LOOKUP_ANSWERED | Action.CLAIM_ANSWERED:
            return f"was told by {elsewhere} what its schools know about you"
        case Action.CHILDREN_LISTED:
            return "saw a list or page that you are on"
        case Action.CLAIM_SENT:
            return f"sent your number, date of birth and dates in care to {elsewhere}, to ask its schools about you"
        case Action.CLAIM_STORED:
            return f"kept what {elsewhere}'s schools told about you"
        case Action.TRACKING_UPDATED:
            return "changed your education record"
        case Action.DELEGATION_GIVEN:
            return f"let somebody of {elsewhere} read information about you for a time"
        case Action.HANDOVER_OFFERED:
            return f"offered your education record to {elsewhere}"
        case Action.HANDOVER_RECEIVED:
            return (
                "was offered your education record by us" if each.log != home else "was offered your education record"
            )
        case Action.HANDOVER_COLLECTED:
            return f"sent your education record to {elsewhere}"
        case Action.HANDOVER_DECIDED:
            return "took over your education record, or did not"
        case Action.LOOKUP_REFUSED | Action.CLAIM_REFUSED:
            return "asked for information about you, and was refused"
        case Action.LOOKUP_HELD:
            return "asked for information about you, and had to wait until somebody decided"
        case _:
            return "did something that has to do with information about you"
