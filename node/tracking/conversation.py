"""The conversation with a school about a child: challenge, reply, escalation, and how it is settled.

The policy paper asks for clear escalation: to the local authority for maintained schools, to the regional director (the
regional schools commissioner of its day) for academies, and to Ofsted where problems persist. `MAY_FOLLOW` is that
path, drawn in the docs from here. Every step has a day, an owner of what comes next and, unless it is settled, a day by
which it is to come.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum

from node.tracking.facts import FactInvalid, Step
from node.tracking.values import one_of, words


class State(StrEnum):
    """What the last step of a conversation was."""

    CHALLENGED = "challenged"
    REPLIED = "replied"
    TO_AUTHORITY = "escalated_to_authority"
    TO_REGIONAL_DIRECTOR = "escalated_to_regional_director"
    TO_OFSTED = "escalated_to_ofsted"
    SETTLED = "settled"


MEANINGS: Mapping[State, str] = {
    State.CHALLENGED: "the virtual school has challenged the school",
    State.REPLIED: "the school has replied",
    State.TO_AUTHORITY: "taken to the local authority, for a maintained school",
    State.TO_REGIONAL_DIRECTOR: "taken to the regional director, for an academy",
    State.TO_OFSTED: "taken to Ofsted, since the problem persists",
    State.SETTLED: "settled",
}

MAY_FOLLOW: Mapping[State | None, tuple[State, ...]] = {
    None: (State.CHALLENGED,),
    State.CHALLENGED: (State.REPLIED, State.TO_AUTHORITY, State.TO_REGIONAL_DIRECTOR, State.SETTLED),
    State.REPLIED: (State.CHALLENGED, State.TO_AUTHORITY, State.TO_REGIONAL_DIRECTOR, State.SETTLED),
    State.TO_AUTHORITY: (State.REPLIED, State.TO_OFSTED, State.SETTLED),
    State.TO_REGIONAL_DIRECTOR: (State.REPLIED, State.TO_OFSTED, State.SETTLED),
    State.TO_OFSTED: (State.REPLIED, State.SETTLED),
    State.SETTLED: (State.CHALLENGED,),
}
"""Which steps may follow which; `None` is a conversation that has not begun."""

TOPICS = words(
    "topic", "ambition", "qualifications", "support", "attendance", "exclusions", "admission", "pep", "other"
)
STEPS = one_of("step", tuple((state.value, MEANINGS[state]) for state in State))
OWNERS = words("owner", "virtual_school", "school", "local_authority", "regional_director", "ofsted", "nobody")


def latest_step(steps: Sequence[Step]) -> Step | None:
    """The step that a conversation stands at: of its latest day, and of one day what was set down last."""
    # `max` keeps the first of equals, so the steps are gone through from the last.
    return max(reversed(steps), key=lambda step: step.on) if steps else None


def check_step(steps: Sequence[Step], step: Step) -> None:
    """Raise `FactInvalid` unless a step may follow those that were taken about its topic."""
    last = latest_step(steps)
    state = State(last.step) if last else None
    if last is not None and step.on < last.on:
        raise FactInvalid({"on": "a later step was set down already: give its day or a later one"})
    if State(step.step) not in MAY_FOLLOW[state]:
        stands = MEANINGS[state] if state else "nothing was said yet"
        follows = ", ".join(MAY_FOLLOW[state])
        raise FactInvalid({"step": f"{stands}: what may follow is {follows}"})
    is_over = State(step.step) is State.SETTLED
    if is_over != (step.owner == "nobody"):
        raise FactInvalid({"owner": "what is settled is with nobody, and everything else with somebody"})
    if not is_over and step.due is None:
        raise FactInvalid({"due": "say by when something is to come of it"})


def is_late(steps: Sequence[Step], today: date) -> bool:
    """Whether the day by which something was to come of a conversation is past."""
    last = latest_step(steps)
    return last is not None and last.due is not None and last.due < today
