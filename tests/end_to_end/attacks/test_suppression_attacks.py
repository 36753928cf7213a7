"""Attacks on suppression, each by its name: what a researcher finds out with a budget of approved questions.

Every attack is run at the open door too, where each cell is protected by itself alone: there it must get somewhere. It
is run under presets that print exact counts, where nothing but withholding is between a reader and a child, and under
presets that round: there a reader goes by the least and the most that a printed count can be.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from disclosure_control.presets.shipped import load_preset
from tests.end_to_end.attacks.conftest import Besiege, OpenDoors
from tests.end_to_end.attacks.front_door import CHILDREN, ROSTER, Door, OpenDoor, every, printed
from tests.end_to_end.attacks.known import MOST, Known, tells
from tests.end_to_end.attacks.reconstruction import Unknowns
from tests.end_to_end.attacks.satisfiability import ROOM
from tests.end_to_end.attacks.scoreboard import BOARD, Claim, Line

DEEP = bool(os.environ.get("CIRCE_DEEP"))

COUNT = "COUNT(*) AS n"
SEXES = ("M", "F", "U")
ETHNICITIES = ("white", "mixed", "asian", "black", "chinese", "other", "unknown")
PROVISIONS = ("none", "sen_support", "ehc_plan", None)
GROUPS = every(
    ["age = 14", "age = 9"], ["sex = 'M'", "sex = 'F'"], ["ethnicity_major = 'asian'", "ethnicity_major = 'black'"]
)
GROUPS = GROUPS if DEEP else GROUPS[:3]
"""Groups of so few children that some hold one."""


def assert_blocked(line: Line) -> None:
    assert line.open_hits > 0
    assert line.hits == 0


def test_differencing_by_one_child(besiege: Besiege, preset: str) -> None:
    """All children, and all but those of a small group: the difference is the group."""

    def attack(door: Door) -> Iterator[Claim]:
        everybody = door.ask(f"SELECT {COUNT} {CHILDREN}")
        for group in GROUPS:
            others = door.ask(f"SELECT {COUNT} {CHILDREN} AND NOT ({group})")
            for code in ROSTER:
                whole, rest = printed(door, everybody, "n", code), printed(door, others, "n", code)
                if whole is not None and rest is not None:
                    yield Claim(code, group, whole - rest)

    assert_blocked(besiege(attack, preset))


def test_tracker(besiege: Besiege, preset: str) -> None:
    """A group padded with half of the children, and with the other half, less all (Denning's general tracker)."""

    def attack(door: Door) -> Iterator[Claim]:
        pad = "age <= 12"
        halves = [door.ask(f"SELECT {COUNT} {CHILDREN} AND {side}") for side in (pad, f"NOT ({pad})")]
        for group in GROUPS:
            padded = [door.ask(f"SELECT {COUNT} {CHILDREN} AND ({group} OR {side})") for side in (pad, f"NOT ({pad})")]
            for code in ROSTER:
                counts = [each for table in (*padded, *halves) if (each := printed(door, table, "n", code))]
                if len(counts) == 4:
                    first, second, one, other = counts
                    yield Claim(code, group, first + second - (one + other))

    assert_blocked(besiege(attack, preset))


def test_totals(besiege: Besiege, preset: str) -> None:
    """A total less the cells beside it."""

    def attack(door: Door) -> Iterator[Claim]:
        table = door.ask(f"SELECT sex, ethnicity_major, {COUNT} {CHILDREN} GROUP BY CUBE (sex, ethnicity_major)")
        unknowns = Unknowns(("sex", "ethnicity_major"), ((*SEXES, None), (*ETHNICITIES, None)), load_preset(preset))
        for code in ROSTER:
            unknowns.begin()
            unknowns.begin_table(totals=True)
            for at in (at for at in table if at[0] == code):
                unknowns.add(at[1:], table[at]["n"])
            yield from unknowns.claims(code)

    assert_blocked(besiege(attack, preset))


def test_linked_tables(besiege: Besiege, preset: str) -> None:
    """Three tables of the same children, none of which has a total, set against each other."""

    def attack(door: Door) -> Iterator[Claim]:
        columns, categories = ("sex", "ethnicity_major"), ((*SEXES, None), (*ETHNICITIES, None))
        yield from _set_against_each_other(door, columns, categories, (columns[:1], columns[1:], columns))

    assert_blocked(besiege(attack, preset))


def test_totals_of_what_was_withheld_first(besiege: Besiege, preset: str) -> None:
    """Counts of a table that has no totals are withheld for their own sake, and few; their totals are asked for later.

    Five boys and five girls are known from a total of ten; where zeros are withheld, ten of whom neither can be all
    are some of both.
    """

    def attack(door: Door) -> Iterator[Claim]:
        columns = ("sex", "sen_provision", "fsm_status")
        categories = (SEXES[:2], PROVISIONS, ("eligible", "not_eligible", None))
        where = "sex IN ('M', 'F')"
        yield from _set_against_each_other(door, columns, categories, (columns, columns[1:]), where)

    assert_blocked(besiege(attack, preset))


def _set_against_each_other(
    door: Door,
    columns: Sequence[str],
    categories: Sequence[Sequence[Any]],
    tables: Sequence[Sequence[str]],
    where: str = "age >= 0",
) -> Iterator[Claim]:
    """What tables by some of the columns tell of each other, in the order of asking; none has a total."""
    for code, unknowns in _put_beside_each_other(door, columns, categories, tables, where):
        yield from (replace(each, where=f"{where} AND {each.where}") for each in unknowns.claims(code))


def _put_beside_each_other(
    door: Door,
    columns: Sequence[str],
    categories: Sequence[Sequence[Any]],
    tables: Sequence[Sequence[str]],
    where: str = "age >= 0",
) -> Iterator[tuple[str, Unknowns]]:
    named = [", ".join(kept) for kept in tables]
    asked = [door.ask(f"SELECT {each}, {COUNT} {CHILDREN} AND {where} GROUP BY {each}") for each in named]
    unknowns = Unknowns(tuple(columns), tuple(map(tuple, categories)), load_preset(door.preset))
    for code in ROSTER:
        unknowns.begin()
        for kept, table in zip(tables, asked, strict=True):
            unknowns.begin_table(totals=False)
            for at in (at for at in table if at[0] == code):
                chosen = dict(zip(kept, at[1:], strict=True))
                unknowns.add(tuple(chosen.get(each, "Total") for each in columns), table[at]["n"])
        yield code, unknowns


def test_reconstruction_of_a_whole_table(besiege: Besiege, preset: str) -> None:
    """Every cell of sex by ethnicity by special needs, by integer programs over seven tables."""

    def attack(door: Door) -> Iterator[Claim]:
        columns = ("sex", "ethnicity_major", "sen_provision")
        categories = ((*SEXES, None), (*ETHNICITIES, None), PROVISIONS)
        yield from _set_against_each_other(door, columns, categories, _seven(*columns))

    assert_blocked(besiege(attack, preset))


def test_reconstruction_by_satisfiability(besiege: Besiege, preset: str) -> None:
    """The same of those who are sixteen or older, by a SAT solver: of every cell it finds what integer programs do."""

    def attack(door: Door) -> Iterator[Claim]:
        columns, where = ("sex", "uasc", "sen_provision"), "age >= 16"
        categories = ((*SEXES, None), (True, False, None), PROVISIONS)
        for code, unknowns in _put_beside_each_other(door, columns, categories, _seven(*columns), where):
            for found, by_program in unknowns.claims_of_cells(code):
                most = ROOM if found.count.high == ROOM else MOST
                assert found.count == Known(by_program.count.low, min(by_program.count.high, most))
                yield replace(found, where=f"{where} AND {found.where}")

    assert_blocked(besiege(attack, preset))


def _seven(first: str, second: str, third: str) -> list[tuple[str, ...]]:
    """The table by three columns, those by two of them, and those by one."""
    return [(first, second, third), (first, second), (second, third), (first, third), (first,), (second,), (third,)]


def test_averaging_by_spellings(besiege: Besiege, preset: str) -> None:
    """A group spelt four ways, beside the rest of the children: one spelling protected otherwise would tell."""

    def attack(door: Door) -> Iterator[Claim]:
        spellings = (
            "ethnicity_major = '{}'",
            "NOT (ethnicity_major <> '{}')",
            "ethnicity_major IN ('{}')",
            "(ethnicity_major = '{0}' OR (ethnicity_major = '{0}' AND age > 3))",
        )
        for origin in ("unknown", "other") if DEEP else ("unknown",):
            everybody = door.ask(f"SELECT {COUNT} {CHILDREN} AND ethnicity_major IS NOT NULL")
            for spelling in spellings if DEEP else spellings[:2]:
                group = spelling.format(origin)
                inside = door.ask(f"SELECT {COUNT} {CHILDREN} AND {group}")
                outside = door.ask(f"SELECT {COUNT} {CHILDREN} AND NOT ({group})")
                for code in ROSTER:
                    own, rest = printed(door, inside, "n", code), printed(door, outside, "n", code)
                    whole = printed(door, everybody, "n", code)
                    if own is not None:
                        yield Claim(code, group, own)
                    elif whole is not None and rest is not None:
                        yield Claim(code, group, whole - rest)

    assert_blocked(besiege(attack, preset))


def test_averaging_by_partitions(besiege: Besiege, preset: str) -> None:
    """A withheld group, as what is left of everybody by ever other partitions of the rest."""

    def attack(door: Door) -> Iterator[Claim]:
        group = "ethnicity_major = 'unknown'"
        everybody = door.ask(f"SELECT {COUNT} {CHILDREN}")
        for column in ("sex", "sen_provision", "year_group") if DEEP else ("sex", "sen_provision"):
            rest = door.ask(f"SELECT {column}, {COUNT} {CHILDREN} AND ethnicity_major <> 'unknown' GROUP BY {column}")
            for code in ROSTER:
                counts = [printed(door, rest, "n", *at) for at in rest if at[0] == code]
                shown, whole = [each for each in counts if each], printed(door, everybody, "n", code)
                if whole is not None and shown and len(shown) == len(counts):
                    yield Claim(code, group, whole - sum(shown, Known(0, 0)))

    assert_blocked(besiege(attack, preset))


def test_differencing_of_sums(besiege: Besiege, preset: str) -> None:
    """The placements of everybody, less those of everybody but one child: the child's own, were both shown.

    What is claimed is that there is somebody in the difference, and that they are few.
    """

    def attack(door: Door) -> Iterator[Claim]:
        figures = "SUM(placements) AS s, AVG(placements) AS a"
        everybody = door.ask(f"SELECT {figures} {CHILDREN} AND age >= 5")
        for group in GROUPS:
            others = door.ask(f"SELECT {figures} {CHILDREN} AND age >= 5 AND NOT ({group})")
            for code in ROSTER:
                rows = [each.get((code,), {}) for each in (everybody, others)]
                if all(isinstance(row.get("s"), int) for row in rows):
                    yield Claim(code, group, Known(1, load_preset(preset).smallest_count_shown - 1))

    assert_blocked(besiege(attack, preset, budget=10))


KINDS = ("uasc", "sex = 'M'", "sen_provision = 'ehc_plan'")[: 3 if DEEP else 2]


def test_percentages_back_to_counts(besiege: Besiege, preset: str) -> None:
    """A share times the number beside it, and the rest of it."""

    def attack(door: Door) -> Iterator[Claim]:
        for kind in KINDS:
            share = f"AVG(CASE WHEN {kind} THEN 1 ELSE 0 END) AS share"
            table = door.ask(f"SELECT age, {COUNT}, {share} {CHILDREN} AND age IN (12, 14, 15, 16, 17) GROUP BY age")
            for at, row in table.items():
                whole = printed(door, table, "n", *at)
                if whole is not None and row["share"] not in ("c", "k", "z", "x"):
                    count = Known(*load_preset(preset).printed_range(round(row["n"] * float(row["share"]))))
                    yield Claim(at[0], f"age = {at[1]} AND {kind}", count)
                    yield Claim(at[0], f"age = {at[1]} AND NOT ({kind})", whole - count)

    line = besiege(attack, preset)
    assert line.hits == 0
    assert line.tries > 0


NOT_PLACED = "(placements_in_year = 0 OR placements_in_year IS NULL)"


def test_children_in_two_tables(besiege: Besiege, preset: str) -> None:
    """All children of an age, and those of them in a table of placements: whoever is left had none in the year."""

    def attack(door: Door) -> Iterator[Claim]:
        placed = "COUNT(DISTINCT child) AS n FROM placements WHERE academic_year = 202425 AND counted_here"
        children = door.ask(f"SELECT age, {COUNT} {CHILDREN} AND age IN (16, 17) GROUP BY age")
        some = door.ask(f"SELECT age, {placed} AND age IN (16, 17) GROUP BY age")
        for code, age in product(ROSTER, (16, 17)):
            everybody, inside = printed(door, children, "n", code, age), printed(door, some, "n", code, age)
            if everybody is not None and inside is not None:
                yield Claim(code, f"age = {age} AND {NOT_PLACED}", everybody - inside)

    assert_blocked(besiege(attack, preset))


def test_children_joined_to_what_they_have(besiege: Besiege, preset: str) -> None:
    """All children of a group, and those of them who are matched to a placement by a join that asks nothing of it."""

    def attack(door: Door) -> Iterator[Claim]:
        joined = "FROM child_year AS c JOIN placements AS p USING (child, academic_year) WHERE academic_year = 202425"
        for origin in ("black", "asian") if DEEP else ("black",):
            group = f"ethnicity_major = '{origin}'"
            children = door.ask(f"SELECT {COUNT} {CHILDREN} AND {group}")
            matched = door.ask(f"SELECT COUNT(DISTINCT child) AS n {joined} AND c.counted_here AND c.{group}")
            for code in ROSTER:
                everybody, inside = printed(door, children, "n", code), printed(door, matched, "n", code)
                if everybody is not None and inside is not None:
                    yield Claim(code, f"{group} AND {NOT_PLACED}", everybody - inside)

    assert_blocked(besiege(attack, preset))


def test_children_in_care_who_are_pupils(open_front_door: OpenDoors, preset: str) -> None:
    """Children in care in school in their own area, and those of them on a roll there: whoever is left is on none.

    Of whom the difference is no table has a column, so that it is what is held against the rule.
    """
    here = "AND population = 'looked_after' AND school_in_area AND at_31_march"
    pupils = "FROM pupil_year WHERE academic_year = 202425"
    in_care = "social_care_group IN ('cla_12_months_at_31_march', 'cla_less_than_12_months_at_31_march')"
    door = open_front_door(preset)
    lines = []
    for asked in (OpenDoor(door.nodes, door.preset), door):
        hits = tries = 0
        for column in ("sex", "fsm_status", "key_stage", "sen_provision"):
            children = asked.ask(f"SELECT {column}, {COUNT} {CHILDREN} {here} GROUP BY {column}")
            some = asked.ask(f"SELECT {column}, {COUNT} {pupils} AND {in_care} GROUP BY {column}")
            for at in children:
                whole, inside = printed(asked, children, "n", *at), printed(asked, some, "n", *at)
                if whole is not None and inside is not None:
                    tries += 1
                    hits += tells(whole - inside, load_preset(preset))
        lines.append((hits, tries))
    BOARD.add(Line("children in care who are pupils", f"suppression, {door.preset}", *lines[0], *lines[1]))
    assert lines[0][0] > 0
    assert lines[1][0] == 0
