"""Tables by two columns each, three of them to three columns: what they say of all three together.

Children are known one by one, and asked about through the whole of a node's protection. An attacker who knows nothing
of how counts are linked solves, in whole numbers, for all children that there could be: of what sex, age and origin.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from random import Random

import numpy as np
import pytest

from disclosure_control.linked.companions import find_companions
from disclosure_control.linked.counts import grids, joining, unions
from disclosure_control.linked.counts.cells import Linked
from disclosure_control.linked.counts.links import link_plans
from disclosure_control.linked.counts.said import Said
from disclosure_control.linked.joint_attack import attack_together
from disclosure_control.linked.published import Published, entries_of, link_published, rules_of
from disclosure_control.presets.preset import Preset
from disclosure_control.presets.shipped import load_preset
from disclosure_control.suppression.view import Bounds
from disclosure_control.symbols import Symbol
from federation.manifest import Path
from federation.plans import derive_plan
from query_engine.planning.plan import QueryPlan
from tests.disclosure_control.known_children import Child, answer, is_in, rows_of
from tests.disclosure_control.known_sorts import UNBOUNDED, Group, Printed, gather, solve
from tests.disclosure_control.linked.test_linked import table, told
from tests.disclosure_control.told_words import tell_hits

CHILDREN = (
    "FROM child_year WHERE academic_year = 202425 AND counted_here AND sex IN ('M', 'F') AND age IN (14, 15, 16) "
    "AND (uasc OR NOT uasc)"
)


def count_by(*columns: str, where: str = "") -> str:
    named = ", ".join(columns)
    return f"SELECT {named}, COUNT(*) AS n {CHILDREN}{where} GROUP BY {named}"


def of_fourteen_and_fifteen(alone: int, *, preset: str = "dfe_cla") -> Sequence[Published]:
    """Of 23 boys and 20 girls who are fourteen so many boys came alone, and of those who are fifteen nobody did."""
    aged = " AND age <> 16"
    return (
        table(count_by("sex", "age", where=aged), 23, 30, 20, 30, preset=preset),
        table(count_by("sex", "uasc", where=aged), 53 - alone, alone, 38, 12, preset=preset),
        table(count_by("age", "uasc", where=aged), 31 - alone, 12 + alone, 60, 0, preset=preset, name="R-2"),
    )


def test_three_tables_tell_of_a_group_by_all_three_columns() -> None:
    tables = of_fourteen_and_fifteen(20)
    assert [tuple(each) for each in tables[1].plan.iter_cells()][:2] == [("M", False), ("M", True)]
    assert told("dfe_cla", *tables) == [(3, 3)]


def test_where_enough_are_left_they_do_not() -> None:
    assert told("dfe_cla", *of_fourteen_and_fifteen(15)) == []


@pytest.mark.parametrize("newest", range(3))
def test_whichever_table_is_the_last_has_a_row_less(newest: int) -> None:
    """And where a node had not looked at it, the hub says so."""
    tables = of_fourteen_and_fifteen(20)
    last, *earlier = *tables[newest:], *tables[:newest]
    assert find_companions(earlier, last)
    assert find_companions(earlier[:1], last) == frozenset()
    (words,) = tell_hits("301", [*earlier, last])
    assert "sex is M and age is 14" in words
    assert "is known to be 3 from this release and R-" in words


def test_conditions_cut_children_first() -> None:
    """Counts of boys alone, and of girls alone, are laid out by themselves."""
    pairs = [("age", "uasc"), ("age", "placement_provider"), ("uasc", "placement_provider")]
    whole = [derive_plan(count_by(*each), Path.PER_AUTHORITY) for each in pairs]
    boys = [derive_plan(count_by(*each, where=" AND sex = 'M'"), Path.PER_AUTHORITY) for each in pairs]
    assert len(link_plans([*whole[:2], *boys]).joint) == 1
    assert len(link_plans([*whole, *boys]).joint) == 2
    assert not link_plans([*whole[:2], *boys[:2]]).joint


def test_a_table_by_all_three_columns_has_all_of_them_laid_out() -> None:
    plans = [derive_plan(each, Path.PER_AUTHORITY) for each in (*PAIRS, count_by("sex", "age", "uasc"))]
    assert link_plans(plans[:3]).joint
    assert not link_plans(plans).joint


def test_the_smallest_are_laid_out_first_as_far_as_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = ("sex", "age", "uasc", "sen_provision")
    plans = [derive_plan(count_by(*pair), Path.PER_AUTHORITY) for pair in combinations(columns, 2)]
    sizes = [len(each) for each in link_plans(plans).joint]
    assert sizes[0] == 2 * 3 * 2
    assert sizes == sorted(sizes)
    assert len(sizes) == 4
    monkeypatch.setattr(grids, "MOST_JOINT", sum(sizes[:2]))
    assert [len(each) for each in link_plans(plans).joint] == sizes[:2]
    monkeypatch.setattr(grids, "MOST_JOINT", sum(sizes[:2]) - 1)
    assert [len(each) for each in link_plans(plans).joint] == sizes[:1]


def test_no_question_is_too_many_by_what_nobody_asked_for() -> None:
    """Beside all that was asked 12 cells are laid out where there is room for twice as many."""
    plans = [derive_plan(each, Path.PER_AUTHORITY) for each in PAIRS]
    asked = len(link_plans(plans).lattice) - 12
    assert [len(link_plans(plans, most=asked + room).joint) for room in (10, 23, 24)] == [0, 0, 1]


@pytest.fixture
def _ask_of_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where far more is laid out than can be asked about by all additions at once."""
    monkeypatch.setattr(joining, "FEWEST_ASKED", 0)
    monkeypatch.setattr(joining, "MOST_ASKED", 0)


@pytest.mark.usefixtures("_ask_of_none")
def test_of_the_largest_single_additions_tell_whether_to_look() -> None:
    """And what they tell is told; where they tell nothing, the three are left out, and nobody is in there."""
    assert told("dfe_cla", *of_fourteen_and_fifteen(20)) == [(3, 3)]
    tables = of_fourteen_and_fifteen(15)
    linked = link_published(tables)
    asked, _, high = joining.join_narrowed(linked, rules_of(tables), bounds_of(tables, linked))
    assert asked.left_out == linked.joined
    assert not high[list(linked.joined)].any()
    assert len(asked.lattice.relations) < len(linked.lattice.relations)
    assert told("dfe_cla", *tables) == []


def bounds_of(tables: Sequence[Published], linked: Linked) -> tuple[Bounds, Bounds]:
    return Said.of(linked, entries_of(tables), rules_of(tables)).bounds(())


@pytest.mark.usefixtures("_ask_of_none")
def test_what_is_left_out_is_neither_seen_to_be_empty_nor_large() -> None:
    """A later attack, which looks at it, goes by no table of an earlier one."""
    small, large = of_fourteen_and_fifteen(20), of_fourteen_and_fifteen(15)
    linked = link_published(small)
    before = attack_together(linked, entries_of(large), rules_of(large))
    after = attack_together(linked, entries_of(small), rules_of(small), after=before)
    assert [(each.known.low, each.known.high) for each in after.told] == [(3, 3)]


def test_a_group_that_is_cut_in_pieces_is_found_where_few_of_them_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """20 boys came alone, of 12 who are fourteen and 11 who are fifteen: three of these did not, of either age."""
    tables = (
        table(count_by("sex", "age"), 12, 11, 30, 10, 11, 30),
        table(count_by("sex", "uasc"), 33, 20, 39, 12),
        table(count_by("age", "uasc"), 6, 16, 6, 16, 60, 0),
    )
    assert told("dfe_cla", *tables) == [(3, 3), (3, 3)]
    monkeypatch.setattr(unions, "MOST_JOINED", 0)
    assert told("dfe_cla", *tables) == []


# --- Drawn at random -------------------------------------------------------------------------------------------------

PAIRS = [count_by(*pair) for pair in combinations(("sex", "age", "uasc"), 2)]
FURTHER = [
    "",
    f"SELECT COUNT(*) AS n {CHILDREN} AND age <> 16",
    f"SELECT sex, COUNT(*) AS n {CHILDREN} AND uasc GROUP BY sex",
    f"SELECT age, COUNT(*) AS n {CHILDREN} AND NOT uasc GROUP BY age",
    f"SELECT sex, COUNT(*) AS n {CHILDREN} GROUP BY ROLLUP (sex)",
]
SORTS: list[Child] = [
    {"sex": sex, "age": age, "uasc": uasc} for sex, age, uasc in product("MF", (14, 15, 16), (True, False))
]
SIZES = (0, 0, 0, 2, 5, 11, 20, 30, 45)


@dataclass(frozen=True)
class Stack:
    """Tables by each two of three columns, and perhaps another, about some children, one after the other."""

    plans: Sequence[QueryPlan]
    children: Sequence[Child]
    preset: Preset

    @classmethod
    def draw(cls, seed: int, preset: Preset) -> "Stack":
        draw = Random(seed)
        asked = [*draw.sample(PAIRS, 3), draw.choice(FURTHER)]
        draw.shuffle(asked)
        sizes = [draw.choice(SIZES) for _ in SORTS]
        plans = [derive_plan(each, Path.PER_AUTHORITY) for each in asked if each]
        return cls(plans, gather(SORTS, sizes), preset)

    def publish(self, *, beside: bool = True) -> Sequence[Published]:
        return answer(self.plans, self.children, self.preset, beside=beside)

    def told(self, published: Sequence[Published]) -> list[tuple[Group, float, float]]:
        """The withheld counts, sorts, and pairs of sorts, of which the attacker is sure that they are too few.

        Where zeros are shown they have to be somebody.
        """
        printed, least = list(self.read(published)), self.preset.smallest_count_shown
        withheld = [group for group, _, high in printed if high == np.inf]
        sorts = [frozenset(each) for count in (1, 2) for each in combinations(range(len(SORTS)), count)]
        found = [(group, *_ends(group, printed)) for group in dict.fromkeys([*withheld, *sorts])]
        return [each for each in found if each[2] < least and (each[1] > 0 or not self.preset.shows_zero)]

    def read(self, published: Sequence[Published]) -> Iterator[Printed]:
        """What is printed; c says that there is somebody, where zeros are shown and not all of a table is withheld."""
        for each in published:
            is_blank = all(row[-1] == Symbol.CONFIDENTIAL for row in each.rows)
            for row, region in zip(each.rows, rows_of(each.plan), strict=True):
                group = frozenset(number for number, sort in enumerate(SORTS) if is_in(sort, region, each.plan))
                if isinstance(row[-1], int):
                    yield (group, *self.preset.printed_range(row[-1]))
                else:
                    yield group, float(self.preset.shows_zero and not is_blank), np.inf


def _ends(group: Group, printed: Sequence[Printed]) -> tuple[float, float]:
    """The least and the most that there can be of a group, to whoever solves for whatever children there could be."""
    found = solve(group, printed, len(SORTS), whole=True)
    assert all(each.status in (SOLVED, UNBOUNDED, EITHER) for each in found)
    least, most = (np.inf if each.status != SOLVED else round(abs(each.fun)) for each in found)
    return least, most


SOLVED, EITHER = 0, 4
"""What the solver says of a program that it has solved, and of one without limit or perhaps without solution."""

PRESETS = ("dfe_cla", "ukllc", "ons_10_5", "opensafely")
FEW, MANY = range(2), range(2, 150)


@pytest.mark.parametrize(
    ("name", "seed"),
    [*product(PRESETS, FEW), *(pytest.param(*each, marks=pytest.mark.deep) for each in product(PRESETS, MANY))],
)
def test_an_attacker_who_solves_for_all_children_finds_nobody(name: str, seed: int) -> None:
    stack = Stack.draw(seed, load_preset(name))
    assert stack.told(stack.publish()) == []


@pytest.mark.parametrize(("name", "seed"), [("dfe_cla", 5), ("ukllc", 48), ("ons_10_5", 5), ("opensafely", 7)])
def test_they_find_somebody_where_three_columns_are_not_joined(
    name: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Stack.draw(seed, load_preset(name))
    assert stack.told(stack.publish()) == []
    monkeypatch.setattr(grids, "MOST_JOINT", 0)
    assert stack.told(stack.publish())
