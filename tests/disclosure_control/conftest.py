"""Spec tables: hand-made cells in, released figures out, both written so that a statistician can read them."""

from collections.abc import Callable, Mapping

import pytest

from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.protection import protect
from query_engine.catalogue import load_catalogue
from query_engine.language.parser import parse_query
from query_engine.planning.plan import Output, QueryPlan, Statistic
from query_engine.planning.planner import plan_query
from query_engine.tables import RawTable

MakePlan = Callable[[str], QueryPlan]
MakeRaw = Callable[[QueryPlan, str], RawTable]
ReleaseSpec = Callable[[str, str, str, str], None]


def read_table(text: str) -> list[dict[str, str]]:
    """The lines of a table drawn with `|`, by the names in its first line."""
    header, *lines = ([cell.strip() for cell in line.split("|")] for line in text.strip().splitlines())
    return [dict(zip(header, line, strict=True)) for line in lines]


def figure(statistic: Statistic, drawn: Mapping[str, str], plan: QueryPlan) -> int:
    """One statistic of one drawn cell, with what usually goes without saying filled in.

    Rows are children unless `rows` is drawn. For a measure released as `share`, `share.yes` is both its sum and its
    children who are not at zero; `share.sum`, `share.squares` (of products too), `share.nonzero`, `share.present` and,
    of those whom a FILTER keeps, `share.among` are drawn where they differ. Those on the other side of a FILTER
    (`share.outside`) and of a condition (`share.no`) are all the others.
    """
    children = int(drawn.get("children", 0))
    if statistic.measure is None:
        return int(drawn.get(statistic.kind, children))
    roles = [found for each in plan.outputs if (found := _role(statistic, each)) is not None]
    label, role = next((each for each in roles if any(name.startswith(f"{each[0]}.") for name in drawn)), roles[0])
    among = int(drawn.get(f"{label}.among", children))
    present = int(drawn.get(f"{label}.present", among))
    usual = {"among": among, "rows": present, "present": present, "sum": 0, "squares": 0}
    usual["nonzero"] = present if f"{label}.sum" in drawn else 0
    for kind in ("sum", "nonzero"):
        usual[kind] = int(drawn.get(f"{label}.yes", usual[kind]))
    usual |= {"outside": children - among, "no": present - int(drawn.get(f"{label}.nonzero", usual["nonzero"]))}
    return int(drawn.get(f"{label}.{role}", usual[role]))


def _role(statistic: Statistic, output: Output) -> tuple[str, str] | None:
    """What a statistic is to an output, and that output's label."""
    roles = {other: "outside" if side == output.among else "no" for side, other in output.sides}
    roles |= {side: "nonzero" for side, _ in output.sides} | dict.fromkeys(output.nonzero, "nonzero")
    roles |= {output.present: "present", output.among: "among"}
    roles |= dict.fromkeys(output.statistics, "sum")
    if statistic.measure is not None and len(statistic.measure.columns) > 1:
        roles |= dict.fromkeys(output.statistics, "squares")
    if output.kind not in ("dimension", "count", "sum", "weighted_mean", "distinct"):
        roles |= {output.statistics[0]: "present" if output.kind == "regr_count" else "rows"}
    if output.kind == "distinct":
        roles |= {output.statistics[0]: "among"}
    return (output.label, roles[statistic.name]) if statistic.name in roles else None


@pytest.fixture(scope="session")
def make_plan() -> MakePlan:
    """The plan of a query on the catalogue that Circe ships."""

    def make(sql: str) -> QueryPlan:
        catalogue = load_catalogue()
        return plan_query(parse_query(sql, catalogue), catalogue)

    return make


@pytest.fixture(scope="session")
def make_raw() -> MakeRaw:
    """A raw table of drawn cells; cells that are not drawn hold nobody."""

    def make(plan: QueryPlan, cells: str) -> RawTable:
        names = [each.name for each in plan.dimensions]
        drawn = {tuple(row[name] for name in names): row for row in read_table(cells)}
        order = [tuple(str(category) for category in cell) for cell in plan.iter_cells()]
        assert drawn.keys() <= set(order)
        return RawTable(
            plan, {each.name: [figure(each, drawn.get(cell, {}), plan) for cell in order] for each in plan.statistics}
        )

    return make


@pytest.fixture
def release_spec(make_plan: MakePlan, make_raw: MakeRaw) -> ReleaseSpec:
    """`release_spec(preset, sql, cells, released)`: what is drawn as released is exactly what is printed."""

    def check(preset: str, sql: str, cells: str, released: str) -> None:
        plan = make_plan(sql)
        table = protect(make_raw(plan, cells), load_preset(preset))
        expected = read_table(released)
        grouped = [each.label for each in plan.outputs if each.dimension is not None]
        printed = [dict(zip(table.columns, map(str, row), strict=True)) for row in table.rows]
        drawn = [[row[name] for name in grouped] for row in expected]
        assert [row for row in printed if [row[name] for name in grouped] in drawn] == expected

    return check
