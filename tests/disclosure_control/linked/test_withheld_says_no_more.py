"""That a row is withheld says no more than the symbol in it: of nobody or few, where zeros are withheld, and otherwise
of few.

A reader knows the rules and can replay them. So whatever is withheld and printed, every size that the symbol stands for
must be possible: for each there are children of whom the node, asked the same, would have said the same.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from itertools import combinations, product
from random import Random

import numpy as np
import numpy.typing as npt
import pytest

from disclosure_control.linked import companions
from disclosure_control.linked.counts.cells import Linked
from disclosure_control.linked.counts.links import link_plans
from disclosure_control.linked.published import Published, link_published
from disclosure_control.presets.preset import Preset
from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.protected_table import Row
from disclosure_control.rows.protection import protect
from disclosure_control.rows.rounding import round_to_base
from disclosure_control.rows.secondary import Neighbours, imply_counts
from disclosure_control.symbols import Symbol
from federation.manifest import Path
from federation.plans import derive_plan
from query_engine.planning.plan import QueryPlan
from query_engine.tables import RawTable
from tests.disclosure_control.rounding_presets import ROUNDING
from tests.disclosure_control.told_words import tell_hits

C = Symbol.CONFIDENTIAL
WITHHOLDING = [name for name in ROUNDING if not load_preset(name).shows_zero]
YEAR = "FROM child_year WHERE academic_year = 202425"


@pytest.fixture(autouse=True)
def _link_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same questions are asked again and again here, and how they are linked is theirs alone."""
    known: dict[tuple[int, ...], Linked] = {}

    def link(published: Sequence[Published]) -> Linked:
        asked = tuple(id(each.plan) for each in published)
        return known.get(asked) or known.setdefault(asked, link_published(published))

    monkeypatch.setattr(companions, "link_published", link)


Figures = Callable[[str], Sequence[int]]
"""The figures of a statistic in every row, by its name."""


SECRETS = (b"x", b"y", b"z")
"""What ties can be broken by: the first is a node's own, and a reader knows none."""


def answer(preset: Preset, *asked: tuple[QueryPlan, Figures], secret: bytes = SECRETS[0]) -> list[Published]:
    """What a node prints for one question after another, each protected beside those before it."""
    earlier = list[Published]()
    for plan, figures in asked:
        raw = RawTable(plan, {each.name: figures(each.name) for each in plan.statistics})
        rows = protect(raw, preset, Neighbours(tuple(earlier), secret)).rows
        earlier.append(Published(f"R-{len(earlier)}", plan, preset, rows, implied=imply_counts(raw, preset)))
    return earlier


def plan_of(sql: str) -> QueryPlan:
    return derive_plan(sql, Path.PER_AUTHORITY)


def everywhere(*counts: int) -> Figures:
    return lambda _: counts


ALL, SOME = plan_of(f"SELECT COUNT(*) AS n {YEAR}"), plan_of(f"SELECT COUNT(*) AS n {YEAR} AND age <> 9")
BY_SEX = plan_of(f"SELECT sex, COUNT(*) AS n {YEAR} AND sex IN ('M', 'F') GROUP BY sex")
BOTH = plan_of(f"SELECT COUNT(*) AS n {YEAR} AND sex IN ('M', 'F')")

Said = tuple[Row, ...]


def say_of_two(preset: Preset, everybody: int, few: int) -> Said:
    """All children, and all but a few: those of nine."""
    return tuple(
        each.rows[0] for each in answer(preset, (ALL, everywhere(everybody)), (SOME, everywhere(everybody - few)))
    )


def say_of_sexes(preset: Preset, boys: int, few: int) -> Said:
    """Boys and a few girls, and both."""
    by_sex, both = answer(preset, (BY_SEX, everywhere(boys, few)), (BOTH, everywhere(boys + few)))
    return (*by_sex.rows, *both.rows)


@cache
def sizes_by_answer(preset: Preset, say: Callable[[Preset, int, int], Said]) -> Mapping[Said, set[int]]:
    """How few they can be, by what is said where the others are printed as 50."""
    found: dict[Said, set[int]] = {}
    for others, few in product((48, 50, 52), range(18)):
        if round_to_base(others, preset.rounding_base) == 50:
            found.setdefault(say(preset, others, few), set()).add(few)
    return found


@pytest.mark.parametrize(
    ("name", "say"), [*((name, say_of_two) for name in WITHHOLDING), *((name, say_of_sexes) for name in ROUNDING)]
)
def test_what_is_withheld_beside_others_says_as_much_as_the_symbol(
    name: str, say: Callable[[Preset, int, int], Said]
) -> None:
    """Where counts are rounded too, be the least that is shown a multiple of the base (10 and 5) or not (8 and 5)."""
    preset = load_preset(name)
    low, high = preset.withheld_range
    withheld = [sizes for said, sizes in sizes_by_answer(preset, say).items() if said[-1][-1] == C]
    assert withheld
    assert all(sizes >= set(range(low, high + 1)) for sizes in withheld)


@pytest.mark.parametrize("name", WITHHOLDING)
def test_two_conditions_are_printed_where_those_they_differ_by_can_be_enough(name: str) -> None:
    """And so no more where they differ by nobody than where they differ by a few."""
    preset = load_preset(name)
    printed = [sizes for said, sizes in sizes_by_answer(preset, say_of_two).items() if said[-1][-1] != C]
    assert printed
    assert all(max(sizes) >= preset.smallest_count_shown for sizes in printed)


def test_where_zeros_are_shown_conditions_are_printed_that_differ_by_nobody() -> None:
    sizes = sizes_by_answer(load_preset("dfe_cla"), say_of_two)
    assert sizes[(50,), (C,)] == {1, 2, 3, 4, 5}
    assert sizes[(50,), (50,)] == {0}


@pytest.mark.parametrize(("missing", "withheld"), [(0, False), (3, True), (20, False)])
def test_that_nobody_lacks_a_value_is_ordinary_and_printed(missing: int, *, withheld: bool) -> None:
    """An average beside the number of all: that it is of all of them is no finding, in any preset."""
    average = plan_of(f"SELECT COUNT(*) AS n, AVG(placements) AS m {YEAR}")

    def figures(name: str) -> Sequence[int]:
        return (50 - missing,) if name.endswith(":placements") else (50,)

    *_, last = answer(load_preset("ukllc"), (ALL, everywhere(50)), (average, figures))
    assert (last.rows[0] == (C, C)) == withheld


def test_it_is_a_finding_where_a_question_says_who_has_a_value() -> None:
    """Counts with that condition and without it are two conditions like any others."""
    average = plan_of(f"SELECT AVG(placements) AS m {YEAR}")
    having = plan_of(f"SELECT COUNT(*) AS n {YEAR} AND placements >= 0")
    assert link_plans([ALL, average]).ordinary
    assert not link_plans([ALL, average, having]).ordinary
    assert answer(load_preset("ukllc"), *((each, everywhere(50)) for each in (ALL, having)))[-1].rows[0] == (C,)


def test_rows_beyond_one_for_each_child_are_ordinary() -> None:
    """Where no child has several rows, both numbers are printed; where a few children have, one of them is withheld."""
    asked = plan_of("SELECT COUNT(*) AS n, COUNT(DISTINCT child) AS k FROM pep WHERE academic_year = 202425")
    for rows, withheld in ((50, False), (53, True)):
        (table,) = answer(load_preset("ukllc"), (asked, partial(_of_rows, rows)))
        assert (C in table.rows[0]) == withheld


def _of_rows(rows: int, name: str) -> Sequence[int]:
    return (rows,) if name == "rows" else (50,)


# --- Small stacks, replayed ------------------------------------------------------------------------------------------

AGES = (14, 15, 16)
MOST = 46
"""More children of one age than are in any of these."""

SIZES = np.array(list(product(range(MOST), repeat=len(AGES))))

Asked = tuple[tuple[int, ...], bool]
"""Children of which ages, and whether by age."""


@cache
def _plan(ages: tuple[int, ...], *, by_age: bool) -> QueryPlan:
    columns, by = ("age, ", " GROUP BY age") if by_age else ("", "")
    return plan_of(f"SELECT {columns}COUNT(*) AS n {YEAR} AND age IN ({', '.join(map(str, ages))}){by}")


@dataclass(frozen=True)
class Replayed:
    """Questions, and of any children what a node says that is asked all of them."""

    preset: Preset
    asked: tuple[Asked, ...]
    truth: tuple[int, ...]
    _said: dict[tuple[tuple[int, ...], bytes], tuple[Row, ...]] = field(default_factory=dict)

    @classmethod
    def draw(cls, seed: int, preset: Preset) -> "Replayed":
        draw, least = Random(seed), preset.smallest_count_shown
        subsets = [ages for count in (1, 2, 3) for ages in combinations(AGES, count)]
        every = [(ages, by) for ages in subsets for by in (False, True) if len(ages) > 1 or not by]
        asked = tuple(draw.sample(every, draw.randint(2, 3)))
        return cls(preset, asked, tuple(draw.choice((0, 1, 2, least - 1, least, least + 3, 20, 25)) for _ in AGES))

    def publish(self, sizes: tuple[int, ...], secret: bytes = SECRETS[0]) -> list[Published]:
        of_age = dict(zip(AGES, sizes, strict=True))
        asked = []
        for ages, by_age in self.asked:
            plan, counts = _plan(ages, by_age=by_age), [of_age[each] for each in ages]
            cells = [cell[0] for cell in plan.iter_cells()] if by_age else []
            figures = [of_age[int(each)] if each in ages else 0 for each in cells] if by_age else [sum(counts)]
            asked.append((plan, everywhere(*figures)))
        return answer(self.preset, *asked, secret=secret)

    def say(self, sizes: tuple[int, ...], secret: bytes = SECRETS[0]) -> tuple[Row, ...]:
        """Everything that is printed, of children of which there are so many of each age."""
        if (asked := (sizes, secret)) not in self._said:
            self._said[asked] = tuple(row for each in self.publish(sizes, secret) for row in each.rows)
        return self._said[asked]

    @cached_property
    def possible(self) -> npt.NDArray[np.int64]:
        """What agrees with each printed figure by itself, those like the truth first."""
        kept = np.ones(len(SIZES), bool)
        for ages, figure in self.figures():
            together = SIZES[:, [AGES.index(each) for each in ages]].sum(1)
            if isinstance(figure, int):
                low, high = self.preset.printed_range(figure)
                kept &= (low <= together) & (together <= high)
        found = SIZES[kept]
        return found[np.argsort(np.abs(found - np.array(self.truth)).sum(1), kind="stable")]

    def figures(self) -> Iterator[tuple[tuple[int, ...], object]]:
        """Of which ages each row counts children, and what is printed of it."""
        for (ages, by_age), published in zip(self.asked, self.publish(self.truth), strict=True):
            for row in published.rows:
                if not by_age or row[0] in ages:
                    yield ((row[0],) if by_age else ages), row[-1]  # type: ignore[misc]

    def is_within_asked(self, ages: tuple[int, ...]) -> bool:
        """Whether any row counts the children of these ages, or is withheld and counts them with others."""
        return any(set(ages) == set(own) or (set(ages) < set(own) and figure == C) for own, figure in self.figures())

    def could_be(self, ages: Collection[int], sizes: Collection[int], tries: int | None = None) -> bool:
        """Whether as much is said of some children of whom one of these numbers is of these ages, by some secret."""
        together = self.possible[:, [AGES.index(each) for each in ages]].sum(1)
        said, such = self.say(self.truth), self.possible[np.isin(together, list(sizes))][:tries]
        return any(self.say(tuple(map(int, each)), secret) == said for secret in SECRETS for each in such)


FEW = (25, 30, 37)
"""Of these, which are soon looked through, some have rows that are withheld beside others."""

ASKED = [*product(WITHHOLDING, FEW), *product(["dfe_cla"], FEW), ("ukllc", 126)]
"""The last is of two that are eleven together, either of which might have been withheld for the other's sake.

Where zeros are shown, of these alone: of two withheld counts that make up a third, each is of one fewer than it."""

OTHERS = [each for each in range(40) if each not in FEW]


@pytest.mark.parametrize(
    ("name", "seed"), [*ASKED, *(pytest.param(*each, marks=pytest.mark.deep) for each in product(WITHHOLDING, OTHERS))]
)
def test_every_group_that_is_known_to_be_few_could_be_any_that_the_symbol_says(name: str, seed: int) -> None:
    """Unless, where zeros are shown, there may be nobody in it.

    Where counts are rounded this is said of groups that nobody asked for, neither by themselves nor with others in a
    count that is withheld: what printed figures leave of those that are known to be withheld for their own sake is
    documented, and not looked at.
    """
    replayed = Replayed.draw(seed, load_preset(name))
    low, high = replayed.preset.withheld_range
    few, others = range(low, high + 1), [*range(low), *range(high + 1, len(AGES) * MOST)]
    for ages in (each for count in (1, 2, 3) for each in combinations(AGES, count)):
        if replayed.preset.rounding_base > 1 and replayed.is_within_asked(ages):
            continue
        if not replayed.could_be(ages, others, tries=20) and any(not replayed.could_be(ages, {size}) for size in few):
            assert replayed.could_be(ages, others)


@pytest.mark.parametrize("name", [*WITHHOLDING, "dfe_cla"])
@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(seed, marks=pytest.mark.deep) for seed in range(6, 60))])
def test_the_hub_finds_nothing_in_what_a_node_has_printed(seed: int, name: str) -> None:
    replayed = Replayed.draw(seed, load_preset(name))
    published = replayed.publish(replayed.truth)
    assert not any(tell_hits("301", published[: count + 1]) for count in range(len(published)))
