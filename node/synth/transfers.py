"""Care passed from one authority to another: REC E3 in the one return, RNE S on the same day in the other.

The child stays where they live and keeps the UPN; the receiving authority knows them by a CHILD id of its own.
"""

from dataclasses import replace
from random import Random

from node.synth.children import Child
from node.synth.collection_year import CollectionYear, Day, birthday
from node.synth.episodes import cut_episodes
from node.synth.legal import status_on
from node.synth.people import TAKEN_OVER, Period, Person
from node.synth.placement_kinds import KIN
from node.synth.placements import Care, Spell
from node.synth.postcodes import Place

FIRST_RECEIVED_ID = 6_000_000
"""Children received get identifiers above this, apart from all that an authority drew of its own."""

RECEIVED_A_YEAR = 100_000
"""The identifiers set apart for the children received in one year."""

_EMERGENCY = frozenset({"L1", "L2"})  # a day or two of police or emergency protection never passes on


def receive(chance: Random, child: Child, child_id: str, place: Place, last: CollectionYear) -> Child | None:
    """The child as the authority at `place` looks after them from the day care is passed on.

    Care then lasts to the 18th birthday, or on beyond the `last` year written. None when care ended for another
    reason, or so near to that birthday that nobody takes over.
    """
    before, person = child.care, child.care.person
    start = before.period.end
    eighteen = birthday(person.born, 18)
    if start is None or before.period.reason != TAKEN_OVER or start + 1 >= eighteen:
        return None
    period = Period(start, eighteen, "E17") if eighteen <= last.end else Period(start)
    status = status_on(before.legal, start)
    spell = _kept_placement(before.spells[-1], start)
    legal = ((start, "C1" if status in _EMERGENCY else status),)
    care = Care(person, period, legal, _home_postcode(chance, person, spell, place), (spell,))
    return Child(child_id, child.upn, child.on_roll, care, cut_episodes(chance, care), 0, child.sdq)


def _kept_placement(spell: Spell, start: Day) -> Spell:
    """The same home and carer; what was the first authority's own provision is another's to the second."""
    theirs = spell.provider == "PR1" and spell.kind not in KIN
    return replace(spell, start=start, same_carer=False, provider="PR2" if theirs else spell.provider)


def _home_postcode(chance: Random, person: Person, spell: Spell, place: Place) -> str:
    """A family home in the area of the receiving authority; where the child is placed with parents, that home."""
    if spell.kind == "P1":
        return spell.postcode
    drawn = chance.choice(place.postcodes)
    while drawn == spell.postcode and not person.uasc:
        drawn = chance.choice(place.postcodes)
    return drawn
