"""`circe bench utility --stacks`: exact totals one after the other, and what is withheld for what lies between them.

An authority takes its own rows from a total, and from what two totals have between them (see
`disclosure_control.linked.between`). Each stack of questions is protected twice: as a hub does it, and as if nobody
looked between totals, though from each authority still. The difference is what that costs.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from federation.commands.bench import Row, tell_stage

if TYPE_CHECKING:
    from disclosure_control.rows.others import Others
    from query_engine.tables import RawTable

PRESETS = ("ons_10_5", "acro", "opensafely")
"""Those under which so little is left open between two totals that an authority may know of the others there."""

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


def measure_stacks(snapshots: Sequence[Path], nodes: int) -> Iterator[Row]:
    """What is shown of each stack under each preset, of so many authorities."""
    from query_engine.questions import load_questions

    paper = [each.sql for each in load_questions()]
    for name, asked in {PAPER: paper, PAPER_IN_TURN: paper, **STACKS}.items():
        tell_stage(f"{name}: running {len(asked)} questions")
        totals = list(_open(asked, snapshots, nodes))
        for preset in PRESETS:
            tell_stage(f"{name}: protecting {len(totals)} totals under {preset}")
            yield _measure(name, preset, totals)


def _open(asked: Sequence[str], snapshots: Sequence[Path], nodes: int) -> "Iterator[tuple[RawTable, Others]]":
    """What is opened of those questions that can be asked as exact sums, and are answered by a table."""
    from disclosure_control.utility import open_total
    from node.bench.england import run_everywhere
    from query_engine.planning.paths import judge_path, plan_for_path
    from query_engine.question import read_question

    for sql in asked:
        plan = read_question(sql).plan
        if plan.model is None and judge_path(plan, "exact_sum").allowed:
            yield open_total(run_everywhere(plan_for_path(plan, "exact_sum"), snapshots, nodes))


def _measure(name: str, preset: str, totals: "Sequence[tuple[RawTable, Others]]") -> Row:
    without = sum(_count_shown(totals, preset, beside=name != PAPER, looks_between=False))
    begun = time.process_time()
    shown = sum(_count_shown(totals, preset, beside=name != PAPER, looks_between=True))
    return {
        "stack": name,
        "preset": preset,
        "questions": len(totals),
        "figures": sum(raw.plan.cells * sum(each.dimension is None for each in raw.plan.outputs) for raw, _ in totals),
        "shown_without": without,
        "shown": shown,
        "protecting_s": round(time.process_time() - begun, 2),
    }


def _count_shown(
    totals: "Sequence[tuple[RawTable, Others]]", preset: str, *, beside: bool, looks_between: bool
) -> Iterator[int]:
    """How many figures of each total are shown, protected as a hub does it: `beside` those before it, or alone."""
    from disclosure_control.linked.children.related import find_related
    from disclosure_control.linked.published import Published
    from disclosure_control.presets.preset import TOTAL_LEVEL
    from disclosure_control.presets.shipped import load_preset
    from disclosure_control.rows.protection import protect
    from disclosure_control.rows.secondary import Neighbours
    from disclosure_control.symbols import Symbol

    rules, earlier = load_preset(preset).at(TOTAL_LEVEL), list[Published]()
    for raw, others in totals:
        related = find_related(raw.plan, [each.plan for each in earlier]) if beside else ()
        near = tuple(each for each in earlier if each.plan.plan_id in related)
        beside_it = Neighbours(near, b"measured", together=True, looks_between=looks_between)
        rows = protect(raw, rules, beside_it, others).rows
        earlier.append(Published(f"R-{len(earlier)}", raw.plan, rules, rows))
        figures = [place for place, each in enumerate(raw.plan.outputs) if each.dimension is None]
        yield sum(not isinstance(row[place], Symbol) for row in rows for place in figures)
