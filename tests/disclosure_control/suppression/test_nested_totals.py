"""Totals of totals, however many: how they are walked, and what a table of many nested ones takes."""

from random import Random
from time import process_time

import pytest

from disclosure_control.presets.preset import ByLevel
from disclosure_control.suppression import table_protection
from disclosure_control.suppression.hierarchy import Hierarchy, TreeMalformed, flat_hierarchy
from disclosure_control.suppression.lattice import Lattice, Layout, build_lattice
from disclosure_control.suppression.parts import Parts
from disclosure_control.suppression.pattern import Pattern, Ties, needs_of
from disclosure_control.suppression.rules import CountRule
from disclosure_control.suppression.view import view_printed
from tests.disclosure_control.suppression.test_table_parts import SECRET

RULE = CountRule(least=6, shows_zero=True, bases=ByLevel(1, 1, 1))


def chain_of(depth: int) -> Hierarchy:
    """A total of one cell and of a total of one cell and of a total, and so on; written from the innermost."""
    parents = dict[str, str]()
    for place in reversed(range(depth)):
        parents |= {f"T{place}": f"T{place - 1}" if place else "", f"L{place}": f"T{place}"}
    return Hierarchy(parents, dict.fromkeys(parents, "step"))


def lattice_of(chain: Hierarchy) -> Lattice:
    return build_lattice([Layout(("step",), (chain,), tuple((code,) for code in chain.parents))])


def test_a_deep_tree_is_read_in_as_many_steps_as_it_has_categories() -> None:
    """Walked up from each category anew, it would take thirty million steps, several times over."""
    begun = process_time()
    chain = chain_of(8_000)
    lattice = lattice_of(chain)
    assert len(chain.among(set(chain.parents)).parents) == 16_000
    assert lattice.breadths[list(chain.parents).index("T0")] == 8_000
    assert process_time() - begun < 5


def test_what_is_above_a_cell_is_reached_through_every_total() -> None:
    chain = chain_of(40)
    lattice, codes = lattice_of(chain), list(chain.parents)
    above = Parts(lattice).above([codes.index("L30"), codes.index("T30")])
    assert {code for code, is_above in zip(codes, above, strict=True) if is_above} == {f"T{each}" for each in range(30)}


def test_what_is_worked_out_comes_after_what_it_is_worked_out_from() -> None:
    chain = chain_of(40)
    lattice, codes = lattice_of(chain), list(chain.parents)
    leaves = [codes.index(f"L{each}") for each in range(40) if each != 20]
    found = [codes[each.total] for each in lattice.work_out(leaves)]
    assert found == [f"T{each}" for each in range(39, 20, -1)]


def test_a_total_of_a_single_total_without_a_row_adds_up() -> None:
    """A nation of one region of one authority: as broad as each other, and each is found from the next."""
    area = Hierarchy({"N": "", "R": "N", "A": "R"}, {"N": "nation", "R": "region", "A": "authority"})
    rows = (("A", "F"), ("A", "M"), ("N", "Total"), ("R", "Total"))
    lattice = build_lattice([Layout(("area", "sex"), (area, flat_hierarchy(["F", "M", "Total"])), rows)])
    assert lattice.is_determined
    assert sorted(lattice.complete([5, 7, 12, 12])) == [5, 5, 5, 7, 7, 7, 12, 12, 12]


@pytest.mark.parametrize("parents", [{"a": "a"}, {"r": "", "a": "b", "b": "a"}, {"x": "a", "a": "b", "b": "a"}])
def test_a_circle_is_no_tree(parents: dict[str, str]) -> None:
    """Named is a category of the circle, and none that only hangs from it."""
    with pytest.raises(TreeMalformed, match=r"^[ab] is its own ancestor$"):
        Hierarchy(parents, dict.fromkeys(parents, "step"))


def test_cells_for_which_their_own_parts_are_not_enough_are_raised_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each small cell beneath a total of its own is a part by itself, in which nothing can make up for it."""
    monkeypatch.setattr(table_protection, "MOST_EXACTLY", 0)
    asked: list[int] = []
    protect = Pattern.protect

    def count(self: Pattern, needs: dict[int, int], known: tuple[int, ...] = ()) -> None:
        asked.append(len(needs))
        protect(self, needs, known)

    monkeypatch.setattr(Pattern, "protect", count)
    chain, draw = chain_of(60), Random(1)
    lattice, codes = lattice_of(chain), list(chain.parents)
    leaves = [draw.choice([2, 3, 7, 12, 20, 35, 50]) for _ in range(60)]
    figures = [leaves[int(code[1:])] if code[0] == "L" else sum(leaves[int(code[1:]) :]) for code in codes]
    small = [cell for cell, figure in enumerate(figures) if RULE.withholds(figure)]
    view = view_printed(lattice, RULE, ["c" if cell in small else figure for cell, figure in enumerate(figures)])
    table_protection.choose_pattern(view, figures, needs_of(RULE, figures, small), Ties(SECRET, b""), lone=None)
    assert len([each for each in asked if each > 0]) == 1
