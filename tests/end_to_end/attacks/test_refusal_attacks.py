"""Attacks on what is not printed: what it tells that one question is answered and the next one is not."""

from collections.abc import Iterator

from disclosure_control.presets.shipped import load_preset
from tests.end_to_end.attacks.conftest import OpenDoors
from tests.end_to_end.attacks.front_door import CHILDREN, ROSTER, OpenDoor, printed
from tests.end_to_end.attacks.scoreboard import note
from tests.end_to_end.attacks.test_suppression_attacks import DEEP

YOUNG = range(4, 12)
"""Ages at which many an authority has none of an origin, or one or two."""


def widen(origin: str) -> Iterator[str]:
    """Conditions each of which keeps the children whom the one before it keeps, and those of an origin a year older."""
    for age in (YOUNG.start - 1, *YOUNG):
        yield f"NOT (ethnicity_major = '{origin}' AND age > {age} AND age < {YOUNG.stop})"


def test_printed_or_withheld(open_front_door: OpenDoors, preset: str) -> None:
    """Conditions nested in each other, one after another: a refusal must not say "somebody" where c says "or nobody".

    Compared is, of groups of which there are too few, how those with somebody and those with nobody look to a reader:
    whoever is left between a condition and the last one before it that was printed.
    """
    door = open_front_door(preset)
    truth, few = OpenDoor(door.nodes, preset), load_preset(preset).withheld_range[1]
    looks: dict[bool, list[bool]] = {True: [], False: []}
    for origin in ("black", "asian") if DEEP else ("black",):
        last: dict[str, str] = {}
        for where in widen(origin):
            table = door.ask(f"SELECT COUNT(*) AS n {CHILDREN} AND {where}")
            for code in ROSTER:
                is_printed = printed(door, table, "n", code) is not None
                if code in last:
                    left = truth.count(f"{where} AND NOT ({last[code]})")[code]
                    if left <= few:
                        looks[left > 0].append(is_printed)
                if is_printed:
                    last[code] = where
    told = sum(looks[True].count(look) * looks[False].count(not look) for look in (True, False))
    pairs = len(looks[True]) * len(looks[False])
    note("printed or withheld, one after another", f"suppression, {preset}", told, pairs)
    assert pairs > 20
    assert told == 0
