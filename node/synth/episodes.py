"""The episodes of the SSDA903: a period of care cut wherever the legal status or the placement changes."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from node.synth.calibration import draw
from node.synth.collection_year import Day
from node.synth.legal import status_on
from node.synth.placements import Care, Spell

CONTINUES = "X1"
"""REC of an episode that another follows without a gap."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One row of the episodes table, dates still as days."""

    start: Day
    reason_started: str
    """RNE: S starts care; L legal status, P placement, B both; T and U as P and B with the same carer."""
    legal_status: str
    spell: Spell
    end: Day | None
    reason_ended: str
    """REC; X1 when the next episode begins on the day this one ends."""
    reason_moved: str
    """REASON_PLACE_CHANGE; only where the placement ends with the episode."""


def cut_episodes(chance: Random, care: Care) -> tuple[Episode, ...]:
    """The chain of episodes of one period of care: no gap, no overlap, S first, the reason care ended last."""
    cuts = list(_cut(care))
    episodes = []
    for (start, status, spell), following in zip(cuts, [*cuts[1:], None], strict=True):
        reason_started = _reason_started(care, start)
        if following is None:
            end, reason_ended, moved = care.period.end, care.period.reason, ""
        else:
            end, reason_ended = following[0], CONTINUES
            moved = _reason_moved(chance, spell, following[2])
        episodes.append(Episode(start, reason_started, status, spell, end, reason_ended, moved))
    return tuple(episodes)


def _cut(care: Care) -> Iterator[tuple[Day, str, Spell]]:
    days = sorted({began for began, _ in care.legal} | {spell.start for spell in care.spells})
    spells = {spell.start: spell for spell in care.spells}
    spell = care.spells[0]
    for start in days:
        spell = spells.get(start, spell)
        yield start, status_on(care.legal, start), spell


def _reason_started(care: Care, start: Day) -> str:
    if start == care.period.start:
        return "S"
    legal_changed = any(began == start for began, _ in care.legal)
    arrived = next((spell for spell in care.spells if spell.start == start), None)
    if arrived is None:
        return "L"
    if arrived.same_carer:
        return "U" if legal_changed else "T"
    return "B" if legal_changed else "P"


def _reason_moved(chance: Random, spell: Spell, following: Spell) -> str:
    if following is spell:
        return ""
    return "PLACE" if following.same_carer else draw(chance, "place_change_reason")
