"""How counts are changed by cell keys, as a manifest and a template state it: approvers read it, and nodes hold to it.

It says what the preset's own file says, in the bytes that are signed: a plan that carries sums of record keys is
another plan, and is derived from the manifest alone, by readers too who do not have the preset.
"""

import hashlib
from typing import Annotated, Literal, Protocol

import msgspec

from disclosure_control.presets.preset import Preset
from federation.wire import Digest, Document


class CellKeyTerms(Document, frozen=True):
    """Modulo how many keys counts are changed, by which table, by how much at most, and how often in a year."""

    keys: Literal[256, 4096]
    table: Digest
    most: Annotated[int, msgspec.Meta(ge=1, le=100)]
    answers: Annotated[int, msgspec.Meta(ge=1, le=1000)]


def state_cell_keys(preset: Preset) -> CellKeyTerms | None:
    """What a manifest states of a preset's cell keys: None where it changes no counts."""
    rule = preset.cell_key
    if rule is None:
        return None
    return CellKeyTerms(keys=rule.keys, table=rule.table, most=rule.most, answers=rule.answers)


class AnswersUsed(Exception):
    """A node has given as many answers under cell keys as the cap allows."""

    code = "answers_used"

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def check_answers(given: int, asked: int, most: int, about: str) -> None:
    """Check that `asked` more answers can be given about something. Raises `AnswersUsed`."""
    if given + asked > most:
        raise AnswersUsed(
            f"{given} of {most} answers about {about} under cell keys are given, and this question takes {asked} "
            "(counts times grouping sets): ask for fewer, or for a noisy sum"
        )


class Addressed(Protocol):
    """What names the nodes that are asked, and whether their figures are added up: a manifest."""

    @property
    def sum(self) -> object:
        """The terms of a sum, or None for rows of one's own."""

    @property
    def roster(self) -> tuple[str, ...]:
        """The nodes, in order."""


def name_scope(manifest: Addressed) -> str:
    """Whose children an answer is about: one's own, or those of a roster, by its digest.

    The same question of England and of a region are two answers to whoever subtracts the other regions.
    """
    return "" if manifest.sum is None else hashlib.sha256("\n".join(manifest.roster).encode()).hexdigest()
