"""The check of a question that is still being written: the same words as the check by the button, at every pause.

What the form does not say yet is left out: without a project there is no budget to speak of.
"""

from dataclasses import dataclass

from disclosure_control.noise.terms import Mechanism, NoiseRefused, read_epsilon
from disclosure_control.presets.preset import Preset, PresetInvalid
from federation.manifest import SUM_PATHS, Path
from federation.problems import ProblemRaised
from federation.question_check import QuestionCheck, RefusedBecause, check_question
from federation.register import Member, MemberKind
from hub.budgets import find_budget
from hub.pages.draft_form import LONGEST_SQL, PATHS, DraftForm, Refusal, describe_place
from hub.service import Hub
from query_engine.wording.description import Paragraph

__all__ = ["Instant", "check_instantly"]

FALLBACK = "opensafely"
"""The preset that is foreseen with while none is chosen."""


@dataclass(frozen=True)
class Instant:
    """What the page says at a pause: the check itself, the place of a refusal, and headed sentences."""

    check: QuestionCheck
    refusal: Refusal | None
    summary: str
    paragraphs: tuple[Paragraph, ...] = ()


def check_instantly(hub: Hub, form: DraftForm, asker: Member) -> Instant:
    """Check a question as far as its form is filled in."""
    if not form.sql:
        return Instant(QuestionCheck(""), None, "")
    if len(form.sql) > LONGEST_SQL:
        return _refuse(form, RefusedBecause("too_long", f"Shorten the question to {LONGEST_SQL:,} characters."))
    preset = _choose_preset(hub, form.preset)
    path = Path(form.path) if form.path in PATHS else Path.NOISY_SUM
    mechanism: Mechanism = "skellam" if form.mechanism == "skellam" else "polya"
    nodes, epsilon = _count_nodes(hub), _read_epsilon(form.epsilon)
    found = check_question(form.sql, preset, path, epsilon=epsilon, mechanism=mechanism, nodes=nodes, quick=True)
    if found.refused is not None:
        return _refuse(form, found.refused)
    found = _with_budget(hub, found, form, asker)
    return Instant(found, None, _sum_up(found), tuple(_tell(found, nodes)))


def _choose_preset(hub: Hub, name: str) -> Preset:
    try:
        return hub.party.presets.load(name or FALLBACK)
    except PresetInvalid:
        return hub.party.presets.load(FALLBACK)


def _read_epsilon(text: str) -> str:
    try:
        read_epsilon(text)
    except NoiseRefused:
        return "1"
    return text


def _refuse(form: DraftForm, refused: RefusedBecause) -> Instant:
    refusal = describe_place(form.sql, refused.code, refused.text, refused.at)
    place = f" at line {refusal.line}, column {refusal.column}" if refusal.line else ""
    return Instant(QuestionCheck(form.sql, refused), refusal, f"Refused{place}: {refused.text}")


def _with_budget(hub: Hub, found: QuestionCheck, form: DraftForm, asker: Member) -> QuestionCheck:
    """Add what is left of the project's budget, where the form says which and the asker may know."""
    if found.price is None or not form.project or not form.academic_year:
        return found
    try:
        return found.with_left(find_budget(hub, form.project, form.academic_year, asker))
    except ProblemRaised:
        return found


def _sum_up(found: QuestionCheck) -> str:
    warnings = len(found.cautions)
    minded = "no warnings" if not warnings else f"{warnings} warning{'s' if warnings > 1 else ''}"
    return f"Can be asked: {found.cells:,} cells, {found.expectation}, {minded}."


def _count_nodes(hub: Hub) -> int:
    return sum(1 for _ in hub.register().active(MemberKind.NODE, hub.clock()))


def _tell(found: QuestionCheck, nodes: int) -> list[Paragraph]:
    rows = found.cells * (1 if found.path in SUM_PATHS else nodes)
    return [("Rows", [f"{rows:,} in all, of {nodes} authorities"]), *found.paragraphs()]
