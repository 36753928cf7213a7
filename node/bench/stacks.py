"""`circe bench utility --stacks`: tables one after the other, and what is withheld since others were shown before.

An authority takes its own rows from a total, and from what two totals have between them (see
`disclosure_control.linked.between`). Each stack of totals is protected twice: as a hub does it, and as if nobody
looked between them, though from each authority still. The difference is what that costs. The policy paper's
questions are protected as rows, too, as the node of one authority does it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from federation.commands.bench import Row, tell_stage, time_each

if TYPE_CHECKING:
    from disclosure_control.presets.preset import Preset
    from disclosure_control.rows.others import Others
    from disclosure_control.rows.protected_table import ProtectedTable
    from disclosure_control.rows.secondary import Neighbours
    from query_engine.planning.plan import Path as LeavingPath
    from query_engine.planning.plan import QueryPlan
    from query_engine.tables import RawTable

PRESETS = ("ons_10_5", "acro", "opensafely")
"""Those under which so little is left open between two totals that an authority may know of the others there."""

ROWS_PRESETS = ("dfe_cla", "opensafely")
"""Counts as they are, and what a node accepts for its own rows as it is set up."""

CHILDREN = "FROM child_year WHERE academic_year = 202425 AND counted_here AND population = 'looked_after'"

STACKS: Mapping[str, Sequence[str]] = {
    "some children of an earlier total": (
        f"SELECT age, COUNT(*) AS n {CHILDREN} GROUP BY age",
        f"SELECT age, COUNT(*) AS n {CHILDREN} AND sex = 'M' GROUP BY age",
        f"SELECT sex, COUNT(*) AS n {CHILDREN} AND uasc GROUP BY sex",
        f"SELECT sex, need, COUNT(*) AS n {CHILDREN} GROUP BY sex, need",
        f"SELECT sex, need, COUNT(*) AS n {CHILDREN} AND age >= 10 GROUP BY sex, need",
        f"SELECT sex, COUNT(*) AS n, COUNT(*) FILTER (WHERE uasc) AS alone {CHILDREN} GROUP BY sex",
    ),
    "the whole in the same question": (
        f"SELECT age, COUNT(*) AS n {CHILDREN} GROUP BY age",
        f"SELECT age, COUNT(*) AS n, COUNT(*) FILTER (WHERE sex = 'M') AS boys {CHILDREN} GROUP BY age",
        f"SELECT sex, need, COUNT(*) AS n, COUNT(*) FILTER (WHERE age >= 10) AS older {CHILDREN} GROUP BY sex, need",
    ),
    "five finer tables": (
        f"SELECT ethnicity_major, placement_type, COUNT(*) AS n {CHILDREN} "
        "GROUP BY CUBE (ethnicity_major, placement_type)",
        f"SELECT sex, age, need, COUNT(*) AS n {CHILDREN} GROUP BY sex, age, need",
        f"SELECT host_region, need, COUNT(*) AS n {CHILDREN} GROUP BY CUBE (host_region, need)",
        f"SELECT placement_type, COUNT(*) AS n {CHILDREN} GROUP BY placement_type",
        f"SELECT ethnicity_major, COUNT(*) AS n {CHILDREN} GROUP BY ethnicity_major",
    ),
    "each two of three columns": (
        f"SELECT sex, age, COUNT(*) AS n {CHILDREN} GROUP BY sex, age",
        f"SELECT sex, need, COUNT(*) AS n {CHILDREN} GROUP BY sex, need",
        f"SELECT age, need, COUNT(*) AS n {CHILDREN} GROUP BY age, need",
    ),
    "sums of what is counted by": (
        f"SELECT sex, age, COUNT(*) AS n {CHILDREN} GROUP BY sex, age",
        f"SELECT sex, COUNT(*) AS n, SUM(age) AS years {CHILDREN} GROUP BY sex",
        f"SELECT need, COUNT(*) AS n, AVG(age) AS years {CHILDREN} AND age >= 15 GROUP BY need",
        f"SELECT placement_type, COUNT(*) AS n, SUM(placements) AS placements {CHILDREN} GROUP BY placement_type",
    ),
}
"""Questions about the same children, one after the other."""

PAPER, PAPER_IN_TURN = "the policy paper, each by itself", "the policy paper, one after the other"
ROWS, ROWS_IN_TURN = "its rows at one authority, each by itself", "its rows at one authority, one after the other"

Tables = Sequence[tuple["RawTable", "Others | None"]]


def measure_stacks(snapshots: Sequence[Path], nodes: int) -> Iterator[Row]:
    """What is shown of each stack under each preset: of so many authorities, and of the rows of one of them."""
    from query_engine.questions import load_questions

    paper = [each.sql for each in load_questions()]
    for name, asked in {PAPER: paper, PAPER_IN_TURN: paper, **STACKS}.items():
        tell_stage(f"{name}: running {len(asked)} questions")
        totals = list(_open_totals(asked, snapshots, nodes))
        for preset in PRESETS:
            tell_stage(f"{name}: protecting {len(totals)} totals under {preset}")
            yield _measure_totals(name, preset, totals)
    rows = list(_run_rows(paper, snapshots[len(snapshots) // 2]))
    for name in (ROWS, ROWS_IN_TURN):
        for preset in ROWS_PRESETS:
            yield _measure_rows(name, preset, rows)


def _open_totals(asked: Sequence[str], snapshots: Sequence[Path], nodes: int) -> "Iterator[tuple[RawTable, Others]]":
    """What is opened of those questions that can be asked as exact sums, and are answered by a table."""
    from disclosure_control.utility import open_total
    from node.bench.england import run_everywhere

    for plan in _plan(asked, "exact_sum"):
        yield open_total(run_everywhere(plan, snapshots, nodes))


def _run_rows(asked: Sequence[str], snapshots: Path) -> "Iterator[tuple[RawTable, None]]":
    """What one authority has of each."""
    from node.bench.england import run_everywhere

    for plan in _plan(asked, "per_authority"):
        yield run_everywhere(plan, [snapshots], 1)[0], None


def _plan(asked: Sequence[str], path: "LeavingPath") -> "Iterator[QueryPlan]":
    """Those of these questions that may take a path, and are answered by a table."""
    from query_engine.planning.paths import judge_path, plan_for_path
    from query_engine.question import read_question

    for sql in asked:
        plan = read_question(sql).plan
        if plan.model is None and judge_path(plan, path).allowed:
            yield plan_for_path(plan, path)


def _measure_totals(name: str, preset: str, totals: Tables) -> Row:
    from disclosure_control.presets.preset import TOTAL_LEVEL
    from disclosure_control.presets.shipped import load_preset
    from disclosure_control.rows.secondary import Neighbours

    rules, in_turn = load_preset(preset).at(TOTAL_LEVEL), name != PAPER
    without = _protect(totals, rules, Neighbours(secret=b"measured", looks_between=False), in_turn=in_turn)
    shown_without = _count_shown(totals, without)
    found = list(time_each(_protect(totals, rules, Neighbours(secret=b"measured"), in_turn=in_turn)))
    return {**_describe(name, preset, totals), "shown_without": shown_without, **_sum_up(totals, found)}


def _measure_rows(name: str, preset: str, rows: Tables) -> Row:
    from disclosure_control.presets.shipped import load_preset
    from disclosure_control.rows.secondary import Neighbours

    found: list[tuple[ProtectedTable, float]] = []
    beside = Neighbours(secret=b"measured")
    for each in time_each(_protect(rows, load_preset(preset), beside, in_turn=name == ROWS_IN_TURN)):
        found.append(each)
        tell_stage(f"{name}: {len(found)} of {len(rows)} under {preset}, in {each[1]:.1f} s of CPU")
    return {**_describe(name, preset, rows), **_sum_up(rows, found)}


def _protect(tables: Tables, rules: "Preset", beside: "Neighbours", *, in_turn: bool) -> "Iterator[ProtectedTable]":
    """Each of these tables, protected as a hub or a node does it: beside those before it, or alone."""
    from itertools import repeat

    from disclosure_control.in_turn import protect_in_turn

    for stack in [tables] if in_turn else [[each] for each in tables]:
        yield from protect_in_turn(stack, rules, repeat(beside))


def _describe(name: str, preset: str, tables: Tables) -> Row:
    figures = sum(raw.plan.cells * len(_figures_of(raw.plan)) for raw, _ in tables)
    return {"stack": name, "preset": preset, "questions": len(tables), "figures": figures}


def _sum_up(tables: Tables, found: "Sequence[tuple[ProtectedTable, float]]") -> Row:
    """How much of these is shown, and what protecting them took: all of them, and the one that took longest."""
    seconds = [each for _, each in found]
    return {
        "shown": _count_shown(tables, (each for each, _ in found)),
        "protecting_s": round(sum(seconds), 2),
        "longest_s": round(max(seconds, default=0.0), 2),
    }


def _count_shown(tables: Tables, found: "Iterable[ProtectedTable]") -> int:
    """How many figures of these tables are shown, as they were protected."""
    from disclosure_control.symbols import Symbol

    return sum(
        not isinstance(row[place], Symbol)
        for (raw, _), protected in zip(tables, found, strict=True)
        for row in protected.rows
        for place in _figures_of(raw.plan)
    )


def _figures_of(plan: "QueryPlan") -> list[int]:
    """Where a row has its figures."""
    return [place for place, each in enumerate(plan.outputs) if each.dimension is None]
