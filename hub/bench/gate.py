"""`circe bench gate`: what it takes to set a release against all that were released before it.

Every question is about the same children. `rows` are those of all authorities, each protected at its node beside its
own earlier ones and attacked at the hub; `nation` and `region` are exact sums of drawn authorities with their capped
counts, protected at the hub beside the earlier ones, from each authority too; `5 x 3` is one question with its totals,
asked of every region and then of England.
"""

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from federation.commands.bench import Row, print_rows, tell_stage

if TYPE_CHECKING:
    from disclosure_control.rows.protected_table import ProtectedTable
    from query_engine.planning.plan import QueryPlan

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
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def gate(authorities: int, drawn: int, earlier: Sequence[int], form: str) -> None:
    """Measure the attack on a release beside earlier ones of the same snapshot, and protecting it beside them.

    Few authorities are drawn, since protecting takes longer than attacking, and each stands for several: every one of
    them is attacked all the same. Seconds are of CPU, those of all cores together. Of what is `found` so much holds
    `however_read`: whether a c that can stand for 0 is taken for somebody or for nobody.
    """
    counts = sorted(set(earlier)) or [1, 5, 20, 50]
    found = list(measure_rows(authorities, drawn, counts))
    for shape in ("nation", "region"):
        tell_stage(f"protecting {max(counts) + 1} exact sums of a {shape}, each beside those before it")
        found += measure_totals(shape, counts)
    print_rows("gate", [*found, measure_five_by_three()], form)


def measure_rows(authorities: int, drawn: int, counts: Sequence[int]) -> Iterator[Row]:
    """The attack on rows of all authorities, by how many releases there were before."""
    from dataclasses import replace

    from disclosure_control.presets.shelf import SHIPPED
    from disclosure_control.presets.shipped import load_preset
    from disclosure_control.suppression.deadline import NEVER
    from federation.manifest import Path
    from hub.bench.drawn_releases import draw_plans, list_authorities, write_release
    from hub.earlier_releases import decode_release
    from hub.gate import attack_rows

    plans, preset = draw_plans(max(counts) + 1, Path.PER_AUTHORITY), load_preset(ROWS_PRESET)
    histories = []
    for seed in range(drawn):
        tell_stage(
            f"protecting {len(plans)} tables of drawn authority {seed + 1} of {drawn}, each beside those before it"
        )
        histories.append(_protect_at_node(plans, seed))
    documents = []
    for number, plan in enumerate(plans):
        codes = enumerate(list_authorities()[:authorities])
        tables = {code: histories[place % drawn][number][0] for place, code in codes}
        documents.append(write_release(f"R-{number}", plan, preset, tables))
    for count in counts:
        tell_stage(f"attacking the rows of {authorities} authorities beside {count} earlier releases")
        begun = time.process_time()
        releases = [decode_release(*each, SHIPPED) for each in zip(documents[: count + 1], plans, strict=False)]
        decoded = time.process_time()
        verdict = attack_rows(replace(releases[-1], name="this release"), releases[:-1], NEVER)
        attacked = time.process_time()
        yield {
            **_describe("rows", count, plans[: count + 1]),
            "decoding_s": round(decoded - begun, 3),
            "attack_s": round(attacked - decoded, 3),
            "protecting_s": round(sum(each[count][1] for each in histories) / drawn, 3),
            "found": len(verdict.findings),
            "however_read": sum(not each.takes_for_granted for each in verdict.findings),
        }


def _protect_at_node(plans: Sequence["QueryPlan"], seed: int) -> "list[tuple[ProtectedTable, float]]":
    """The tables that one drawn authority answers with, and the seconds each takes."""
    from disclosure_control.presets.shipped import load_preset
    from hub.bench.drawn_children import count_children, draw_children
    from hub.bench.drawn_releases import protect_in_turn

    children = draw_children(plans, seed)
    raws = [(count_children(plan, children), None) for plan in plans]
    return list(protect_in_turn(raws, load_preset(ROWS_PRESET), [("",)] * len(raws)))


def measure_totals(shape: str, counts: Sequence[int]) -> Iterator[Row]:
    """Protecting a total beside earlier ones: all of the nation, or of one region after the other."""
    from federation.manifest import Path
    from hub.bench.drawn_releases import draw_plans

    plans = draw_plans(max(counts) + 1, Path.EXACT_SUM)
    regions = [None if shape == "nation" else number % REGIONS for number in range(len(plans))]
    seconds = _protect_totals(plans, regions)
    for count in counts:
        yield _describe_total(shape, count, plans[: count + 1], seconds[count])


def measure_five_by_three() -> Row:
    """Protecting England by five groups and three of another column, with totals, beside the same of every region."""
    from federation.manifest import Path
    from federation.plans import derive_plan
    from hub.bench.drawn_releases import CHILDREN

    plans = [derive_plan(FIVE_BY_THREE.format(CHILDREN), Path.EXACT_SUM)] * (REGIONS + 1)
    return _describe_total("5 x 3", REGIONS, plans, _protect_totals(plans, [*range(REGIONS), None])[-1])


def _protect_totals(plans: Sequence["QueryPlan"], regions: Sequence[int | None]) -> list[float]:
    """The seconds that each of these totals takes, each of a region or of all."""
    from disclosure_control.presets.preset import TOTAL_LEVEL
    from disclosure_control.presets.shipped import load_preset
    from disclosure_control.utility import open_total
    from hub.bench.drawn_children import count_children, draw_children
    from hub.bench.drawn_releases import list_authorities, protect_in_turn

    authorities = range(REGIONS * IN_REGION)
    children = [draw_children(plans, seed) for seed in authorities]
    inside = [[place for place in authorities if region in (None, place % REGIONS)] for region in regions]
    raws = [
        open_total([count_children(plan, children[place]) for place in places])
        for plan, places in zip(plans, inside, strict=True)
    ]
    rosters = [[list_authorities()[place] for place in places] for places in inside]
    protected = protect_in_turn(raws, load_preset(TOTALS_PRESET).at(TOTAL_LEVEL), rosters)
    return [seconds for _, seconds in protected]


def _describe_total(shape: str, earlier: int, plans: Sequence["QueryPlan"], seconds: float) -> Row:
    row = _describe(shape, earlier, plans)
    return {**row, "decoding_s": 0.0, "attack_s": 0.0, "protecting_s": round(seconds, 3), "found": 0, "however_read": 0}


def _describe(shape: str, earlier: int, plans: Sequence["QueryPlan"]) -> Row:
    """What was set against what, and over how many cells."""
    from disclosure_control.linked.counts.links import link_plans

    return {"shape": shape, "earlier": earlier, "cells": len(link_plans(plans).lattice)}
