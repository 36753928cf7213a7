"""What a census tells of a pupil's attendance: that of the term before its own, at the school that answers.

The autumn census so tells of the summer term of the year before. A school that did not have the pupil then has no
sessions to tell of. Suspensions are written with the census of their own term, so that one year's files have them all.
"""

from collections.abc import Mapping
from dataclasses import replace

from node.synth.attendance import TermRecord
from node.synth.collection_year import CollectionYear
from node.synth.pupils import Pupil, Stay

_NO_SESSIONS = TermRecord(0, (), ())


def tell_in_arrears(pupil: Pupil, before: Pupil | None) -> Pupil:
    """The pupil with the sessions that each census tells of; `before` is the same pupil in the year before."""
    earlier: Mapping[str, Stay | None] = {
        "autumn": before.stays.get("summer") if before else None,
        "spring": pupil.stays.get("autumn"),
        "summer": pupil.stays.get("spring"),
    }
    return replace(pupil, stays={term: _tell(stay, earlier[term]) for term, stay in pupil.stays.items()})


def stand_in_before(pupil: Pupil, year: CollectionYear) -> Pupil | None:
    """Whoever was at the school before the first year that is written: they missed as much that summer as the next."""
    first, summer = next(iter(pupil.stays.values())), year.terms[-1]
    if first.entry >= year.terms[0].first:
        return None
    record = pupil.stays["summer"].record if "summer" in pupil.stays else TermRecord(summer.sessions, (), ())
    return replace(pupil, stays={"summer": replace(first, record=record)})


def _tell(stay: Stay, earlier: Stay | None) -> Stay:
    record = earlier.record if earlier is not None and earlier.school == stay.school else _NO_SESSIONS
    return replace(stay, record=replace(record, suspensions=stay.record.suspensions))
