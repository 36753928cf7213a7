"""`circe bench gate`: what it takes to set a release against all that were released before it.

Every question is about the same children. `rows` are those of all authorities, each protected at its node beside its
own earlier ones and attacked at the hub; `nation` and `region` are exact sums of drawn authorities with their capped
counts, protected at the hub beside the earlier ones, from each authority too; `5 x 3` is one question with its totals,
asked of every region and then of England. `policy paper` are rows, too: the paper's questions one after the other.
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from federation.commands.bench import Row, print_rows, tell_stage, time_each

if TYPE_CHECKING:
    from disclosure_control.rows.protected_table import ProtectedTable
    from query_engine.planning.plan import QueryPlan
    from query_engine.tables import RawTable

ROWS_PRESET, TOTALS_PRESET = "dfe_cla", "ons_10_5"
"""Counts as they are, which leaves most to work out; and counts that are rounded, as those of exact sums must be."""

REGIONS, IN_REGION = 9, 17

FIVE_BY_THREE = (
    "SELECT ethnicity_major, sex, COUNT(*) AS n {} AND sex IN ('M', 'F', 'U') "
    "AND ethnicity_major IN ('white', 'mixed', 'asian', 'black', 'other') GROUP BY CUBE (ethnicity_major, sex)"
)


@click.command(name="gate")
@click.option("--authorities", default=153, show_default=True, type=click.IntRange(1, 153))
@click.option("--drawn", default=4, show_default=True, type=click.IntRange(1, 153), help="Authorities that differ.")
@click.option("--earlier", multiple=True, type=click.IntRange(1, 60), help="Releases before; by default 1, 5, 20, 50.")
@click.option(
    "--policy-questions",
    "england",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Measure the policy paper's questions as rows instead, of the England that circe bench utility has kept here.",
)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def gate(authorities: int, drawn: int, earlier: Sequence[int], england: Path | None, form: str) -> None:
    """Measure the attack on a release beside earlier ones of the same snapshot, and protecting it beside them.

    Few authorities are drawn, since protecting takes longer than attacking, and each stands for several: every one of
    them is attacked all the same. Seconds are of CPU, those of all cores together. Of what is `found` so much holds
    `however_read`: whether a c that can stand for 0 is taken for somebody or for nobody.
    """
    counts = sorted(set(earlier)) or [1, 5, 20, 50]
    if england is not None:
        print_rows("gate", list(measure_policy_questions(england, authorities, drawn, counts)), form)
        return
    found = list(measure_rows(authorities, drawn, counts))
    for shape in ("nation", "region"):
        tell_stage(f"protecting {max(counts) + 1} exact sums of a {shape}, each beside those before it")
        found += measure_totals(shape, counts)
    print_rows("gate", [*found, measure_five_by_three()], form)


def measure_rows(authorities: int, drawn: int, counts: Sequence[int]) -> Iterator[Row]:
    """The attack on rows of all authorities, by how many releases there were before."""
    from federation.manifest import Path as LeavingPath
    from hub.bench.drawn_children import count_children, draw_children
    from hub.bench.drawn_releases import draw_plans

    plans = draw_plans(max(counts) + 1, LeavingPath.PER_AUTHORITY)
    histories = []
    for seed in range(drawn):
        children = draw_children(plans, seed)
        raws = [count_children(plan, children) for plan in plans]
        histories.append(_protect_at_node(f"drawn authority {seed + 1} of {drawn}", raws))
    yield from _attack_at_hub("rows", plans, histories, authorities, counts)


def measure_policy_questions(england: Path, authorities: int, drawn: int, counts: Sequence[int]) -> Iterator[Row]:
    """The same of the policy paper's questions, of which there are fewer, and of some authorities of a kept England."""
    from hub.bench.policy_rows import answer_everywhere, find_made_up, plan_policy_rows

    plans, made_up = plan_policy_rows()[: max(counts) + 1], find_made_up(england, drawn)
    if not made_up:
        raise click.BadParameter(
            f"nobody's returns are loaded in {england}: circe bench utility --directory {england} does that",
            param_hint="--policy-questions",
        )
    histories = [
        _protect_at_node(f"{each.parent.name}, {place} of {len(made_up)}", answer_everywhere(plans, each))
        for place, each in enumerate(made_up, start=1)
    ]
    counts = sorted({min(each, len(plans) - 1) for each in counts})
    yield from _attack_at_hub("policy paper", plans, histories, authorities, counts)


History = Sequence[tuple["ProtectedTable", float]]
"""The tables that one authority has answered with, and the seconds that each took."""


def _protect_at_node(whose: str, raws: "Sequence[RawTable]") -> History:
    """What an authority answers with, each beside what it has answered before."""
    from itertools import repeat

    from disclosure_control.in_turn import protect_in_turn
    from disclosure_control.presets.shipped import load_preset
    from disclosure_control.rows.secondary import Neighbours

    beside = repeat(Neighbours(secret=b"drawn"))
    history = []
    for made in time_each(protect_in_turn([(raw, None) for raw in raws], load_preset(ROWS_PRESET), beside)):
        history.append(made)
        tell_stage(f"protected {len(history)} of {len(raws)} tables of {whose}, in {made[1]:.1f} s of CPU")
    return history


def _attack_at_hub(
    shape: str, plans: Sequence["QueryPlan"], histories: Sequence[History], authorities: int, counts: Sequence[int]
) -> Iterator[Row]:
    """The attack on what so many authorities have answered, each as one of these did, beside so many releases."""
    from dataclasses import replace

    from disclosure_control.linked.children.related import find_related
    from disclosure_control.linked.gathering import gather
    from disclosure_control.presets.shelf import SHIPPED
    from disclosure_control.presets.shipped import load_preset
    from disclosure_control.suppression.deadline import NEVER
    from hub.bench.drawn_releases import list_authorities, write_release
    from hub.earlier_releases import decode_release
    from hub.gate import attack_rows

    documents = []
    for number, plan in enumerate(plans):
        codes = enumerate(list_authorities()[:authorities])
        tables = {code: histories[place % len(histories)][number][0] for place, code in codes}
        documents.append(write_release(f"R-{number}", plan, load_preset(ROWS_PRESET), tables))
    for count in counts:
        tell_stage(f"attacking the rows of {authorities} authorities beside {count} earlier releases")
        begun = time.process_time()
        *earlier, newest = (decode_release(*each, SHIPPED) for each in zip(documents[: count + 1], plans, strict=False))
        decoded = time.process_time()
        related = find_related(newest.plan, [each.plan for each in earlier])
        near = [each for each in earlier if each.plan.plan_id in related]
        verdict = attack_rows(replace(newest, name="this release"), near, NEVER)
        attacked = time.process_time()
        groups = gather([each.plan for each in near], newest.plan)
        yield {
            **_describe(shape, count, [[*(near[number].plan for number in group), newest.plan] for group in groups]),
            "decoding_s": round(decoded - begun, 3),
            "attack_s": round(attacked - decoded, 3),
            "protecting_s": round(sum(history[count][1] for history in histories) / len(histories), 3),
            "found": len(verdict.findings),
            "however_read": sum(not each.takes_for_granted for each in verdict.findings),
        }


def measure_totals(shape: str, counts: Sequence[int]) -> Iterator[Row]:
    """Protecting a total beside earlier ones: all of the nation, or of one region after the other."""
    from federation.manifest import Path as LeavingPath
    from hub.bench.drawn_releases import draw_plans

    plans = draw_plans(max(counts) + 1, LeavingPath.EXACT_SUM)
    regions = [None if shape == "nation" else number % REGIONS for number in range(len(plans))]
    seconds = _protect_totals(plans, regions)
    for count in counts:
        yield _describe_total(shape, count, plans[: count + 1], seconds[count])


def measure_five_by_three() -> Row:
    """Protecting England by five groups and three of another column, with totals, beside the same of every region."""
    from federation.manifest import Path as LeavingPath
    from federation.plans import derive_plan
    from hub.bench.drawn_releases import CHILDREN

    plans = [derive_plan(FIVE_BY_THREE.format(CHILDREN), LeavingPath.EXACT_SUM)] * (REGIONS + 1)
    return _describe_total("5 x 3", REGIONS, plans, _protect_totals(plans, [*range(REGIONS), None])[-1])


def _protect_totals(plans: Sequence["QueryPlan"], regions: Sequence[int | None]) -> list[float]:
    """The seconds that each of these totals takes, each of a region or of all."""
    from disclosure_control.in_turn import protect_in_turn
    from disclosure_control.presets.preset import TOTAL_LEVEL
    from disclosure_control.presets.shipped import load_preset
    from disclosure_control.rows.secondary import Neighbours
    from disclosure_control.utility import open_total
    from hub.bench.drawn_children import count_children, draw_children
    from hub.bench.drawn_releases import list_authorities

    authorities = range(REGIONS * IN_REGION)
    children = [draw_children(plans, seed) for seed in authorities]
    inside = [[place for place in authorities if region in (None, place % REGIONS)] for region in regions]
    raws = [
        open_total([count_children(plan, children[place]) for place in places])
        for plan, places in zip(plans, inside, strict=True)
    ]
    rosters = ([list_authorities()[place] for place in places] for places in inside)
    beside = [Neighbours(secret=b"drawn", roster=roster) for roster in rosters]
    protected = protect_in_turn(raws, load_preset(TOTALS_PRESET).at(TOTAL_LEVEL), beside)
    return [seconds for _, seconds in time_each(protected)]


def _describe_total(shape: str, earlier: int, plans: Sequence["QueryPlan"], seconds: float) -> Row:
    row = _describe(shape, earlier, [plans])
    return {**row, "decoding_s": 0.0, "attack_s": 0.0, "protecting_s": round(seconds, 3), "found": 0, "however_read": 0}


def _describe(shape: str, earlier: int, groups: Sequence[Sequence["QueryPlan"]]) -> Row:
    """What was set against what, in how many groups, and over how many cells in all."""
    from disclosure_control.linked.counts.links import link_plans

    cells = sum(len(link_plans(plans).lattice) for plans in groups)
    return {"shape": shape, "earlier": earlier, "groups": len(groups), "cells": cells}
