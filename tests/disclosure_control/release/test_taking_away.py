"""Totals that authorities attack, each of which knows its own rows: none is told of too few others."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import cycle
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disclosure_control.linked.published import Published
from disclosure_control.noise.shares import capped_from_vector, raw_from_vector, vector_of
from disclosure_control.presets.shipped import list_presets, load_preset
from disclosure_control.release.gate import ReleaseRefused
from disclosure_control.release.released import ReleasedTable
from disclosure_control.release.totals import BEYOND_ONE, check_total_preset, release_exact_total
from disclosure_control.rows.others import Others, RulesForOthers, reckon_others
from disclosure_control.rows.protected_table import Row
from disclosure_control.rows.protection import ALONE, protect
from disclosure_control.rows.secondary import Neighbours
from disclosure_control.symbols import Symbol
from federation.manifest import Path
from federation.plans import derive_plan
from query_engine.catalogue import load_catalogue
from query_engine.geography import load_authorities
from query_engine.planning.capped_counts import MOST_OF_ONE, capped_counts
from query_engine.planning.plan import TOTAL, QueryPlan
from query_engine.planning.planner import plan_query
from query_engine.query.model import AggregateQuery
from query_engine.refusal import QueryRefused
from query_engine.tables import RawTable
from tests.disclosure_control.of_many import of_many
from tests.disclosure_control.taking_away import find_told
from tests.query_engine import strategies
from tests.query_engine.example_counts import examples

C = Symbol.CONFIDENTIAL
YEAR = "FROM child_year WHERE academic_year = 202425 AND sex IN ('M', 'F')"
TABLE = f"SELECT sex, age, COUNT(*) AS n {YEAR} AND age IN (15, 16) GROUP BY CUBE (sex, age)"
AUTHORITIES = 6
DRAWS = 40 if os.environ.get("CIRCE_DEEP") else 5

EXACT = ("ons_cell_key", "ukllc")
"""Presets that print exact totals, or change counts by cell keys: no exact sum is protected by them."""

ROUNDING = [name for name in list_presets() if name not in EXACT]


def plan_of(sql: str) -> QueryPlan:
    return derive_plan(sql, Path.EXACT_SUM)


def counted(plan: QueryPlan, figures: Sequence[int]) -> RawTable:
    """The rows of one authority, of which every statistic is how many children there are."""
    return RawTable(plan, {each.name: figures for each in plan.statistics})


def counted_with(plan: QueryPlan, everybody: int, meeting: Mapping[str, int]) -> RawTable:
    """The rows of one authority of whom so many meet the condition of each figure that has one."""
    figures = {each.name: [everybody] for each in plan.statistics}
    for output in plan.outputs:
        size = meeting.get(output.label, everybody)
        for inside, outside in output.sides:
            figures |= {inside: [size], outside: [everybody - size]}
        figures |= {name: [size] for name in output.statistics}
    return RawTable(plan, figures)


def draw_cells(plan: QueryPlan, random: Random) -> RawTable:
    """An authority that is large in a cell or two and has next to nobody in the others."""
    smallest = plan.cells_of(plan.sets[0])
    sizes = [random.choice((0, 0, 1, 2, 3, random.randint(8, 40))) for _ in range(smallest)]
    cells = list(plan.iter_cells())
    return counted(
        plan,
        [
            sum(
                size
                for size, cell in zip(sizes, cells, strict=False)
                if all(mine in (TOTAL, theirs) for mine, theirs in zip(total, cell, strict=True))
            )
            for total in cells
        ],
    )


def open_sum(tables: Sequence[RawTable]) -> tuple[RawTable, Others]:
    """What a hub opens of what these nodes hand in: the sums, and what is left without any one of them."""
    plan = tables[0].plan
    values = [sum(each) % 2**64 for each in zip(*(vector_of(table).values for table in tables), strict=True)]
    raw = raw_from_vector(plan, values)
    return raw, reckon_others(raw, capped_from_vector(plan, values), 1)


def release(tables: Sequence[RawTable], preset: str, beside: Neighbours = ALONE) -> tuple[Row, ...]:
    raw, others = open_sum(tables)
    names = tuple(sorted(load_authorities())[: len(tables)])
    released = release_exact_total(raw.plan, raw, others, names, {}, load_preset(preset), beside)
    assert isinstance(released, ReleasedTable)
    return released.rows


def draw_all(plan: QueryPlan) -> Iterator[list[RawTable]]:
    for seed in range(DRAWS):
        random = Random(seed)
        yield [draw_cells(plan, random) for _ in range(AUTHORITIES)]


@pytest.mark.parametrize("preset", ROUNDING)
def test_no_authority_is_told_of_too_few_others(preset: str) -> None:
    """By subtraction in one cell, or by adding and subtracting in the whole table."""
    plan = plan_of(TABLE)
    for tables in draw_all(plan):
        assert not find_told(plan, load_preset(preset), release(tables, preset), tables)


@pytest.mark.parametrize("preset", ["acro", "nhs_hes", "ons_10_5", "opensafely"])
def test_authorities_would_be_told_if_totals_were_protected_from_outsiders_alone(preset: str) -> None:
    plan, rules = plan_of(TABLE), load_preset(preset)
    told = 0
    for tables in draw_all(plan):
        rows = protect(open_sum(tables)[0], rules.at("nation")).rows
        told += len(find_told(plan, rules, rows, tables))
    assert told > 0


@pytest.mark.parametrize("preset", EXACT)
def test_other_presets_protect_no_exact_sum(preset: str) -> None:
    """Rounding they have none, and where counts are changed, it is by cell keys."""
    raw = counted(plan_of(f"SELECT COUNT(*) AS n {YEAR}"), [100])
    with pytest.raises(ReleaseRefused):
        release_exact_total(raw.plan, raw, of_many(raw), ("201",), {}, load_preset(preset))
    if load_preset(preset).cell_key is None:
        with pytest.raises(ReleaseRefused):
            check_total_preset(load_preset(preset))


SHOWN = [
    # what each authority has                     what is printed under ons_10_5, of the sum
    ((17, 1, 1, 1), C),  # who has 17 of 18 to 22 would know of 1 to 5 others
    ((20,), C),  # nor is that nobody else is there printed: c would otherwise say that somebody is
    ((5, 5, 5, 5), C),  # 4 times 3 less 3 are 9
    ((4, 4, 4, 4, 4), 20),
    ((1,) * 13, 15),
    ((1,) * 12, C),
    ((40, 30, 20, 10), C),  # few authorities, though each leaves enough: the hub cannot tell
    ((1000, 5, 5, 5, 5), 1020),
    ((0,) * 5, 0),
]


@pytest.mark.parametrize(("held", "printed"), SHOWN)
def test_a_total_is_shown_where_enough_others_are_sure_to_be_left(held: Sequence[int], printed: object) -> None:
    plan = plan_of(f"SELECT COUNT(*) AS n {YEAR}")
    assert release([counted(plan, [each]) for each in held], "ons_10_5") == ((printed,),)


def test_an_operator_of_several_nodes_takes_all_their_rows_away() -> None:
    plan = plan_of(f"SELECT COUNT(*) AS n {YEAR}")
    raw, _ = open_sum([counted(plan, [each]) for each in (9, 9, 4, 4, 4)])
    capped = {each: [5 * MOST_OF_ONE] for each in of_many(raw).least}
    shown = [protect(raw, load_preset("ons_10_5"), others=reckon_others(raw, capped, each)).rows for each in (1, 2)]
    assert shown == [((30,),), ((C,),)]


@pytest.mark.parametrize("preset", ROUNDING)
def test_two_authorities_who_pool_are_left_three_fewer_than_are_asked_for_at_the_worst(preset: str) -> None:
    """Each further one takes three more of those away that are counted: so many are left, and can be no fewer."""
    plan, asked = plan_of(f"SELECT COUNT(*) AS n {YEAR}"), load_preset(preset).smallest_count_shown
    for held, shown in (((40, 40, *[1] * (asked - 3)), True), ((40, 40, *[1] * (asked - 4)), False)):
        ((printed,),) = release([counted(plan, [each]) for each in held], preset)
        assert (printed != C) == shown


@settings(max_examples=examples(50), derandomize=True, deadline=None)
@given(held=st.lists(st.integers(0, 9), min_size=1, max_size=12), together=st.integers(1, 4))
def test_so_many_are_left_of_a_count_that_is_printed_whoever_pools(held: Sequence[int], together: int) -> None:
    plan = plan_of(f"SELECT COUNT(*) AS n {YEAR}")
    ((printed,),) = release([counted(plan, [each]) for each in held], "ons_10_5")
    if printed not in (C, 0):
        assert sum(sorted(held, reverse=True)[together:]) >= 10 - MOST_OF_ONE * (together - 1)


def test_who_answers_otherwise_is_counted_otherwise() -> None:
    """The difference of two groups in one row: 25 with and 20 without, 17 of whom are one authority's."""
    sql = f"SELECT COUNT(*) AS n, AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS share {YEAR}"
    plan = plan_of(sql)
    (share,) = (each for each in plan.outputs if each.label == "share")
    yes, no = share.sides[0]

    def of(with_it: int, without: int) -> RawTable:
        figures = {each.name: [with_it + without] for each in plan.statistics}
        return RawTable(plan, figures | {share.statistics[-1]: [with_it], yes: [with_it], no: [without]})

    alone = [of(5, 17), *(of(5, 1) for _ in range(3)), of(5, 0)]
    together = [of(5, 4) for _ in range(5)]
    assert release(alone, "ons_10_5") == ((45, C),)
    assert release(together, "ons_10_5")[0][1] != C


def test_a_withheld_total_cannot_be_had_from_others_either() -> None:
    """Of 20 girls 17 are one authority's. With all children printed before, boys would tell it of the girls."""
    everybody = plan_of(f"SELECT COUNT(*) AS n {YEAR}")
    by_sex = plan_of(f"SELECT sex, COUNT(*) AS n {YEAR} GROUP BY sex")
    girls, boys = (17, 1, 1, 1, 0), (40, 40, 40, 40, 40)
    rules = load_preset("opensafely").at("nation")
    earlier = Published("R-1", everybody, rules, ((220,),), tuple(sorted(load_authorities())[:5]))
    order = [str(cell[0]) for cell in by_sex.iter_cells()]
    tables = [
        counted(by_sex, [{"F": girl, "M": boy}[each] for each in order]) for girl, boy in zip(girls, boys, strict=True)
    ]
    assert sorted(release(tables, "opensafely")) == [("F", C), ("M", 200)]
    assert sorted(release(tables, "opensafely", Neighbours((earlier,)))) == [("F", C), ("M", C)]


def test_whom_one_count_has_beyond_another_is_counted_too() -> None:
    """Of 20 children between two conditions 17 are one authority's, while enough meet either, and enough do not."""
    older, oldest = ("age >= 10", "age >= 15")
    asked = f"COUNT(*) FILTER (WHERE {older}) AS wide, COUNT(*) FILTER (WHERE {oldest}) AS narrow"
    plan = plan_of(f"SELECT {asked} {YEAR}")

    def of(between: int) -> RawTable:
        """An authority with 30 children, 10 of whom are the oldest, and so many between."""
        return counted_with(plan, 30, {"wide": 10 + between, "narrow": 10})

    assert release([of(each) for each in (17, 1, 1, 1, 0)], "ons_10_5") == ((70, C),)
    assert release([of(4)] * 5, "ons_10_5") == ((70, 50),)


def test_whom_two_counts_leave_of_a_third_is_looked_at() -> None:
    """Of 160 children less 60 and 60 there are 34 to 46: who has 39 of the 40 would know of 7 others at most."""
    young, old = ("age <= 9", "age >= 15")
    asked = f"COUNT(*) AS n, COUNT(*) FILTER (WHERE {young}) AS young, COUNT(*) FILTER (WHERE {old}) AS old"
    plan = plan_of(f"SELECT {asked} {YEAR}")
    tables = [counted_with(plan, 20 + rest, {"young": 10, "old": 10}) for rest in (39, 1, 0, 0, 0, 0)]
    assert load_preset("opensafely").smallest_count_shown > 160 + 2 - 2 * (60 - 2) - 39
    assert release(tables, "opensafely") == ((C, C, C),)


def test_a_node_that_adds_too_much_to_capped_counts_undoes_the_protection_of_all() -> None:
    """Nobody can tell: of 20 children 17 are one authority's, and another says that a thousand are left."""
    plan = plan_of(f"SELECT COUNT(*) AS n {YEAR}")
    raw, honest = open_sum([counted(plan, [each]) for each in (17, 1, 1, 1)])
    lied = reckon_others(raw, {each: [1_006] for each in honest.least}, 1)
    shown = [protect(raw, load_preset("ons_10_5"), others=each).rows for each in (honest, lied)]
    assert shown == [((C,),), ((20,),)]
    assert "as far as all of them counted truly" in BEYOND_ONE


@settings(max_examples=examples(50), derandomize=True, deadline=None)
@given(query=strategies.queries(), sizes=st.lists(st.integers(0, 30), min_size=1, max_size=7))
def test_of_any_question_all_is_capped_that_is_looked_at(query: AggregateQuery, sizes: Sequence[int]) -> None:
    """Whatever is decided of a figure by a count, there is that count of the others."""
    try:
        plan = replace(plan_query(query, load_catalogue()), path="exact_sum")
    except QueryRefused:
        return
    least = {each: [size] for each, size in zip(capped_counts(plan), cycle(sizes), strict=False)}
    for preset in ("dfe_cla", "opensafely"):
        RulesForOthers.for_plan(plan, load_preset(preset)).withheld(Others(least, {}).figures_of(0))
