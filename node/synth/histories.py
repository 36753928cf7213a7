"""The same children a year or more earlier: every return tells of a history only what had happened by its 31 March."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from node.synth.children import UNDER_SCHOOL_AGE, Child, clamp_sdq
from node.synth.collection_year import CollectionYear, Day, year_group
from node.synth.episodes import Episode

_SDQ_DRIFT = 4.0  # standard deviation of a child's score from one year to the next: assumed


def child_in(chance: Random, child: Child, year: CollectionYear) -> Child | None:
    """A child as the return of `year` knows them; None before care began and after it ended."""
    period = child.care.period
    if period.start > year.end or (period.end is not None and period.end < year.start):
        return None
    still_open = period.end is None or period.end > year.end
    care = replace(
        child.care,
        period=replace(period, end=None, reason="") if still_open else period,
        legal=tuple(status for status in child.care.legal if status[0] <= year.end),
        spells=tuple(spell for spell in child.care.spells if spell.start <= year.end),
    )
    return replace(
        child,
        upn=UNDER_SCHOOL_AGE if year_group(care.person.born, year) < 0 else child.upn,
        care=care,
        episodes=_episodes_until(child.episodes, year.end),
        moves_in_year=care.moves_within(year.start, year.end),
        sdq=clamp_sdq(child.sdq + chance.gauss(0, _SDQ_DRIFT)),
    )


def _episodes_until(episodes: Sequence[Episode], last: Day) -> tuple[Episode, ...]:
    """The episodes begun by a day; one that ended after it is still open then."""
    begun = [episode for episode in episodes if episode.start <= last]
    final = begun[-1]
    if final.end is not None and final.end > last:
        begun[-1] = replace(final, end=None, reason_ended="", reason_moved="")
    return tuple(begun)
