"""Attacks on the mechanisms themselves: noise, cell keys, models, the choice of a pattern; and a search for others.

Where a federation would only be in the way of many trials, the very functions that node and hub call are attacked, on
the nodes' own data.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import exp, sqrt
from random import Random

import pytest

from disclosure_control.cell_key.entropy import Shape, make_table
from disclosure_control.models.withholding import ModelWithheld
from disclosure_control.noise.shares import add_noise_share, read_vector
from disclosure_control.noise.terms import NoiseTerms
from disclosure_control.presets import load_preset
from disclosure_control.protection import protect
from disclosure_control.row_protection import Neighbours
from disclosure_control.totals import release_exact_total
from federation.manifest import Path as LeavingPath
from federation.plans import derive_plan
from query_engine.tables import RawTable
from tests.end_to_end.attacks.front_door import CHILDREN, ROSTER, Door, FrontDoor, NodeDoor, OpenDoor
from tests.end_to_end.attacks.reconstruction import Unknowns
from tests.end_to_end.attacks.scoreboard import BOARD, Claim, Line, run, score

Open = Callable[..., FrontDoor]

DEEP = bool(os.environ.get("CIRCE_DEEP"))

CERTAIN = 2.576
"""Standard deviations beyond which one trial in a hundred falls, on either side."""


@pytest.mark.parametrize(
    "epsilon", [pytest.param("0.5", marks=pytest.mark.deep), "1", pytest.param("2", marks=pytest.mark.deep)]
)
@pytest.mark.parametrize("answered", [6, 5])
def test_telling_one_child_from_noise(epsilon: str, answered: int) -> None:
    """Was the child there or not, by the best test there is on the count: no better than epsilon promises.

    As many nodes are missing as the terms allow for, or none.
    """
    plan = derive_plan(f"SELECT COUNT(*) AS n {CHILDREN}", LeavingPath.NOISY_SUM)
    terms, trials = NoiseTerms(epsilon, 6, 1, 1), 6_000 if DEEP else 600

    def noised(children: int) -> int:
        raws = [RawTable(plan, {"rows": [children if node == 0 else 20]}) for node in range(answered)]
        shares = [add_noise_share(raw, terms).values for raw in raws]
        return read_vector(plan, [sum(each) % 2**64 for each in zip(*shares, strict=True)])["rows"][0]

    without = 20 * (answered - 1) + 7
    right = sum(noised(7) <= without for _ in range(trials)) + sum(noised(8) > without for _ in range(trials))
    success, spread = right / (2 * trials), sqrt(0.25 / (2 * trials))
    most = exp(float(epsilon)) / (1 + exp(float(epsilon)))
    BOARD.add(
        Line(f"one child under epsilon {epsilon}, {answered} of 6", f"noise: {most:.3f}", 0, 0, right, 2 * trials)
    )
    assert success - CERTAIN * spread <= most
    assert success + CERTAIN * spread > 0.5


def test_inverting_a_perturbation_table() -> None:
    """The table is public: a printed count could come from several true ones, whatever is printed."""
    table = make_table("attacked", Shape(most=4, variance=2.0), 256)
    sources: dict[int, set[int]] = {}
    for count in range(1, 60):
        for change in table.changes(count):
            sources.setdefault(count + change, set()).add(count)
    alone = [printed for printed, counts in sources.items() if 0 < printed < 50 and len(counts) == 1]
    BOARD.add(Line("inverting the perturbation table", "cell key", 0, 0, len(alone), 49))
    assert not alone


def test_coefficients_of_tiny_cells(open_front_door: Open) -> None:
    """A model in which a coefficient would be a few children's own: there is none, whatever else it has."""
    door = open_front_door("opensafely")
    truth, found = OpenDoor(door.nodes, "opensafely"), 0
    groups = ("age = 9 AND ethnicity_major = 'asian'", "age = 14 AND ethnicity_major = 'black'")
    for group in groups:
        sql = f"SELECT FIT_LINEAR(placements, months_in_care) AS model {CHILDREN} AND {group}"
        plan = derive_plan(sql, LeavingPath.EXACT_SUM)
        raws = list(truth.run(plan).values())
        total = {
            each.name: [sum(all_of) for all_of in zip(*(raw.statistic(each.name) for raw in raws), strict=True)]
            for each in plan.statistics
        }
        try:
            release_exact_total(plan, RawTable(plan, total), ROSTER, {}, load_preset("opensafely"))
            found += 1
        except ModelWithheld:
            continue
    BOARD.add(Line("model coefficients of tiny cells", "models, opensafely", 0, 0, found, len(groups)))
    assert found == 0


def test_replaying_the_algorithm(open_front_door: Open) -> None:
    """Every table that agrees with what is printed, protected again: the pattern does not single out the true one."""
    door = open_front_door("dfe_cla")
    sql = f"SELECT sex, COUNT(*) AS n {CHILDREN} AND ethnicity_major = 'other' GROUP BY ROLLUP (sex)"
    plan, preset = derive_plan(sql, LeavingPath.PER_AUTHORITY), load_preset("dfe_cla")
    truth = OpenDoor(door.nodes, "dfe_cla")
    claims, tried = [], 0
    for code, raw in truth.truth(sql).items():
        printed = protect(raw, preset, Neighbours((), b"the node's own secret")).rows
        hidden = [place for place, row in enumerate(printed[:-1]) if row[1] == "c"]
        total = printed[-1][1]
        if len(hidden) != 2 or not isinstance(total, int):
            continue
        tried += 1
        left = total - sum(row[1] for row in printed[:-1] if isinstance(row[1], int))
        fitting = set()
        for first, secret in product(range(1, left), (b"a", b"b", b"c")):
            counts = [row[1] if isinstance(row[1], int) else 0 for row in printed[:-1]]
            counts[hidden[0]], counts[hidden[1]] = first, left - first
            again = RawTable(plan, {each.name: [*counts, total] for each in plan.statistics})
            if protect(again, preset, Neighbours((), secret)).rows == printed:
                fitting.add(first)
        if len({first < preset.smallest_count_shown for first in fitting}) == 1 and len(fitting) == 1:
            claims.append(Claim(code, f"ethnicity_major = 'other' AND sex = '{printed[hidden[0]][0]}'", fitting.pop()))
    hits, _ = score(claims, truth, "dfe_cla")
    BOARD.add(Line("replaying the algorithm", "suppression, dfe_cla", 0, 0, hits, tried))
    assert hits == 0


# --- A search for attacks nobody thought of (after QuerySnout, Cretu et al., CCS 2022) -------------------------------

COLUMNS = ("sex", "ethnicity_major", "sen_provision")
CATEGORIES = (
    ("M", "F", "U", None),
    ("white", "mixed", "asian", "black", "chinese", "other", "unknown", None),
    ("none", "sen_support", "ehc_plan", None),
)


def drawn_attack(seed: int) -> Callable[[Door], Iterator[Claim]]:
    """Questions drawn at random, and whatever integer programs get out of all answers together."""
    source = Random(seed)
    questions = [_draw_question(source) for _ in range(5)]

    def attack(door: Door) -> Iterator[Claim]:
        answers = []
        for kept, totals, chosen in questions:
            pairs = [pair for pair in zip(COLUMNS, chosen, strict=True) if pair[1]]
            conditions = [f"{column} IN ({', '.join(map(repr, codes))})" for column, codes in pairs]
            grouping = f" GROUP BY {'CUBE' if totals else ''} ({', '.join(kept)})" if kept else ""
            named = "".join(f"{each}, " for each in kept)
            answers.append(door.ask(f"SELECT {named}COUNT(*) AS n {' AND '.join([CHILDREN, *conditions])}{grouping}"))
        unknowns = Unknowns(COLUMNS, CATEGORIES)
        for code in ROSTER[:2]:
            unknowns.begin()
            for (kept, _, chosen), table in zip(questions, answers, strict=True):
                for at in (at for at in table if at[0] == code):
                    named_at = dict(zip(kept, at[1:], strict=True))
                    unknowns.add_block(_block(named_at, chosen), table[at]["n"])
            yield from unknowns.claims(code)

    return attack


TELLING = (35, 39)
"""Of the first forty draws those that get somewhere at the open door; all of two hundred are for the deep suite."""

Question = tuple[list[str], bool, tuple[list[str], ...]]


def _draw_question(source: Random) -> Question:
    """Columns to group by, whether with totals, and the categories that conditions keep of each column."""
    kept = sorted(source.sample(COLUMNS, source.choice([0, 1, 1, 2])))
    chosen = tuple(
        [] if source.random() < 0.6 else source.sample([code for code in codes if code], source.randint(1, 2))
        for codes in CATEGORIES
    )
    return kept, bool(kept) and source.random() < 0.5, chosen


def _block(named: dict[str, object], chosen: Sequence[Sequence[str]]) -> tuple[tuple[object, ...], ...]:
    """Column by column the categories that a printed count is over."""
    found = []
    for column, codes, wanted in zip(COLUMNS, CATEGORIES, chosen, strict=True):
        of_condition = tuple(wanted) if wanted else codes
        at = named.get(column, "Total")
        found.append(of_condition if at == "Total" else tuple(code for code in of_condition if code == at))
    return tuple(found)


def test_a_search_for_attacks_nobody_thought_of(open_front_door: Open) -> None:
    """Sets of questions drawn at random: some recover counts where cells are protected one by one, and none here."""
    door = open_front_door("dfe_cla")
    truth = OpenDoor(door.nodes, "dfe_cla")
    open_hits = open_tries = hits = tries = 0
    for seed in range(200) if DEEP else TELLING:
        attack = drawn_attack(seed)
        past, found = (score(run(attack, each), truth, "dfe_cla") for each in (truth, NodeDoor(truth, "dfe_cla")))
        open_hits, open_tries, hits, tries = (
            open_hits + past[0],
            open_tries + past[1],
            hits + found[0],
            tries + found[1],
        )
    BOARD.add(Line("a search at random", "suppression, dfe_cla", open_hits, open_tries, hits, tries))
    assert open_hits > 0
    assert hits == 0
