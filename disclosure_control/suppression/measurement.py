"""What protecting a table costs and leaves, measured on drawn tables: ours, and rivals' patterns by the same rule.

Seconds are of CPU, on one core: pattern and certificate of ours, and of a rival its own pattern alone.
"""

from collections.abc import Collection, Mapping, Sequence
from math import ceil
from time import process_time
from typing import Any

import numpy as np

from disclosure_control.presets.preset import ByLevel
from disclosure_control.suppression.certificate import Certified, verify_certificate, write_certificate
from disclosure_control.suppression.drawn_table import DrawnTable
from disclosure_control.suppression.optimum import Optimum
from disclosure_control.suppression.pattern import Pattern, Ties, needs_of
from disclosure_control.suppression.reader import Reader
from disclosure_control.suppression.rules import CountRule
from disclosure_control.suppression.table_protection import choose_pattern, protect_cells
from disclosure_control.suppression.view import WITHHELD, View, view_printed
from disclosure_control.suppression.witnesses import told_cells

__all__ = ["describe_table", "fewest_besides", "measure_mended", "measure_ours", "measure_pattern", "small_cells"]

Row = Mapping[str, str | int | float]

RULE = CountRule(least=6, shows_zero=True, bases=ByLevel(1, 1, 1))
"""Counts of 1 to 5 are withheld, and nothing is rounded: what makes suppression hardest."""

EXACT = 1e-4
"""The solver's least cost is as exact, and better."""

TIES = Ties(bytes(32), b"measurement")


def small_cells(table: DrawnTable) -> list[int]:
    """The cells that are withheld for their own sake."""
    return [cell for cell, figure in enumerate(table.figures) if RULE.withholds(figure)]


def fewest_besides(table: DrawnTable) -> int:
    """How many cells any pattern without a failure to reach withholds besides the small ones, at the least.

    Whoever chooses it, by whatever costs: it follows from linear programs over the whole table in which cells are
    withheld in part, each of which counts for one. Zeros, which are shown, are withheld in none.
    """
    small, every = small_cells(table), np.ones(len(table.figures))
    limits = Pattern(_view(table, small), table.figures, every).limits
    search = Optimum(table.lattice, limits, needs_of(RULE, table.figures, small), every)
    return ceil(search.least_cost() - EXACT)


def measure_ours(table: DrawnTable, *, insiders: bool) -> Row:
    """Protect a table, certify it, and check the certificate."""
    begun = process_time()
    small = small_cells(table)
    found = protect_cells(table.lattice, table.figures, RULE, small, TIES, insiders=insiders)
    view = found.witnesses.view
    certificate = write_certificate([Certified("n", view, found.printed, found.witnesses)])
    seconds = process_time() - begun
    verify_certificate(certificate, [Certified("n", view_printed(table.lattice, RULE, found.printed), found.printed)])
    tool = "circe-insiders" if insiders else "circe"
    return {**measure_pattern(tool, table, view.withheld, seconds), "certificate_bytes": len(certificate)}


def measure_pattern(tool: str, table: DrawnTable, withheld: Collection[int], seconds: float) -> Row:
    """What a pattern leaves: a small cell is a failure to reach if a reader sees that it must be small."""
    hidden, small = set(withheld), small_cells(table)
    besides = hidden.difference(small)
    reached = told_cells(Reader(_view(table, hidden)), small)
    return {
        "tool": tool,
        "cells": len(table.figures),
        "seconds": round(seconds, 3),
        "primaries": len(small),
        "secondaries": len(besides),
        "value_withheld": sum(table.figures[cell] for cell in besides),
        "reach_failures": len(reached) + len(set(small) - hidden),
        "certificate_bytes": 0,
    }


def measure_mended(tool: str, table: DrawnTable, withheld: Collection[int], seconds: float) -> Row:
    """A rival's pattern with what has to be withheld besides, for no small cell to be seen to be small."""
    begun = process_time()
    small = small_cells(table)
    needs = needs_of(RULE, table.figures, small)
    found = choose_pattern(_view(table, {*withheld, *small}), table.figures, needs, TIES, lone=None)
    return measure_pattern(f"{tool}-mended", table, found.withheld, seconds + process_time() - begun)


def _view(table: DrawnTable, withheld: Collection[int]) -> View:
    """What a reader has of a table of which these cells are withheld."""
    printed = [WITHHELD if cell in withheld else figure for cell, figure in enumerate(table.figures)]
    return view_printed(table.lattice, RULE, printed)


def describe_table(table: DrawnTable) -> dict[str, Any]:
    """A table as the scripts that run in a rival's own environment read it."""
    areas = table.layout.hierarchies[0]
    leaves: Sequence[object] = [
        [*row, figure]
        for row, figure in zip(table.layout.rows, table.figures, strict=True)
        if figure and not any(code in each.children for each, code in zip(table.layout.hierarchies, row, strict=True))
    ]
    return {
        "least": RULE.least,
        "columns": table.layout.columns,
        "rows": table.layout.rows,
        "figures": table.figures,
        "relations": [[each.total, list(each.parts)] for each in table.lattice.relations],
        "leaves": leaves,
        "regions": {region: areas.children[region] for region in areas.of_level("region")},
    }
