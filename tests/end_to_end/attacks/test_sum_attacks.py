"""Attacks on sums over all authorities, through the front door: noised ones, and exact ones under a standing template.

Each cell of a noised release is a game of its own: is a child there or not? Whoever knows all others of the cell says
yes where the release shows as many as there would be with the child, and no where it shows no more than without. No
attacker does better on one count, and no better than a coin that falls right e^eps times as often as wrong.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from math import exp, sqrt
from pathlib import Path

import pytest

from federation.exchange import ReleaseDocument
from federation.hub_line import HubRefused
from federation.manifest import Path as LeavingPath
from tests.end_to_end.adding_up import ASKER
from tests.end_to_end.attacks.front_door import CHILDREN, Refusal
from tests.end_to_end.attacks.scoreboard import BOARD, Line
from tests.end_to_end.attacks.sum_door import Answer, SumDoor
from tests.end_to_end.one_process import answering_at_once
from tests.small_federation import SmallFederation, copy_federation

CERTAIN = 2.576
"""Standard deviations beyond which one trial in a hundred falls, on either side."""

GROUPED = "age, ethnicity_major, sen_provision"
MANY_CELLS = f"SELECT {GROUPED}, COUNT(*) AS n {CHILDREN} GROUP BY {GROUPED}"
ALL_BUT_BOYS = f"SELECT {GROUPED}, COUNT(*) AS n {CHILDREN} AND NOT (sex = 'M') GROUP BY {GROUPED}"

OpenDoor = Callable[[], SumDoor]


@pytest.fixture
def open_sum_door(pristine_london: SmallFederation, tmp_path: Path) -> Iterator[OpenDoor]:
    """Opens doors of six authorities that add up under the rules that ship."""
    with answering_at_once(), ExitStack() as opened:

        def open_door() -> SumDoor:
            directory = tmp_path / f"doors-{len(list(tmp_path.iterdir()))}"
            door = SumDoor(copy_federation(pristine_london, directory), "ons_10_5", {})
            door.directory = directory
            opened.callback(door.close)
            return door

        yield open_door


def counts(answer: Answer) -> Sequence[int]:
    """The counts of a release, cell by cell."""
    assert isinstance(answer, ReleaseDocument), answer
    return [row[-1] for row in answer.table["rows"]]


def assert_no_better(attack: str, errors: Sequence[float], epsilon: float) -> None:
    """Score the game in every cell, with the child and without, by how far the attacker's figure is off the truth."""
    right, games = sum((each >= 0) + (each <= 0) for each in errors), 2 * len(errors)
    most, spread = exp(epsilon) / (1 + exp(epsilon)), sqrt(0.25 / games)
    BOARD.add(Line(attack, f"noise: {most:.3f}", 0, 0, right, games))
    assert games > 1_000
    assert right / games + CERTAIN * spread > 0.5
    assert right / games - CERTAIN * spread <= most


@pytest.mark.parametrize("epsilon", [pytest.param("0.5", marks=pytest.mark.deep), "1"])
def test_telling_one_child_from_a_noised_release(open_sum_door: OpenDoor, epsilon: str) -> None:
    """One question, hundreds of cells, and in each the best test there is."""
    door = open_sum_door()
    shown, true = counts(door.fetch(MANY_CELLS, epsilon=epsilon)), door.truth(MANY_CELLS).statistic("rows")
    errors = [own - truth for own, truth in zip(shown, true, strict=True)]
    assert_no_better(f"one child at the door, epsilon {epsilon}", errors, float(epsilon))


def test_differencing_by_one_child_under_noise(open_sum_door: OpenDoor) -> None:
    """Everybody, and everybody but a group: the difference has the noise of both, and both were paid for."""
    door = open_sum_door()
    answers = [counts(door.fetch(sql)) for sql in (MANY_CELLS, ALL_BUT_BOYS)]
    true = [door.truth(sql).statistic("rows") for sql in (MANY_CELLS, ALL_BUT_BOYS)]
    errors = [a - b - (c - d) for a, b, c, d in zip(*answers, *true, strict=True)]
    assert_no_better("differencing by one child", errors, 2)


def test_differencing_by_one_authority_under_noise(open_sum_door: OpenDoor) -> None:
    """The same question of all authorities, and of all but one: the difference is that one's, and noise."""
    door = open_sum_door()
    others = [code for code in door.nodes if code != "317"]
    whole, rest = counts(door.fetch(MANY_CELLS)), counts(door.fetch(MANY_CELLS, roster=others))
    true = door.truth_of(MANY_CELLS, "317").statistic("rows")
    assert_no_better("differencing by one authority", [a - b - c for a, b, c in zip(whole, rest, true, strict=True)], 2)


def test_averaging_of_noise_by_the_whole_budget(open_sum_door: OpenDoor) -> None:
    """The same question until nobody answers it any more: five answers of epsilon 1, whose losses add up to 5."""
    door, answers = open_sum_door(), list[Sequence[int]]()
    while not isinstance(answer := door.fetch(MANY_CELLS), Refusal):
        answers.append(counts(answer))
        assert len(answers) <= 5
    assert answer.code == "budget_short"
    assert len(answers) == 5
    true = door.truth(MANY_CELLS).statistic("rows")
    means = [sum(each) / len(answers) for each in zip(*answers, strict=True)]
    assert_no_better("averaging by repeats", [mean - own for mean, own in zip(means, true, strict=True)], 5)
    small = [(round(mean), own) for mean, own in zip(means, true, strict=True) if 0 < own < 10]
    exact = sum(mean == own for mean, own in small)
    BOARD.add(Line("averaging by repeats, exact", "noise: epsilon 5 spent", 0, 0, exact, len(small)))
    assert exact < len(small)


@pytest.mark.parametrize("path", [LeavingPath.NOISY_SUM, LeavingPath.EXACT_SUM])
def test_differencing_by_one_authority(
    open_sum_door: OpenDoor, path: LeavingPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody less one authority, as a total, in whatever words: no such question is taken by the hub.

    The attacker's own software would say so before, so they use other.
    """
    monkeypatch.setattr("federation.client.member.check_soundness", lambda _: None)
    door, refused = open_sum_door(), list[str]()
    conditions = ["home_authority <> '203'", "home_authority = '203'", "NOT (home_authority IN ('204', '301'))"]
    if path is LeavingPath.EXACT_SUM:
        conditions += ["host_authority <> '203'", "NOT school_in_area AND host_authority = '203'"]
    for where in conditions:
        draft = door.draft(f"SELECT COUNT(*) AS n {CHILDREN} AND {where}", path)
        with door.client(ASKER) as rae, pytest.raises(HubRefused) as raised:
            rae.submit(draft)
        refused.append(raised.value.problem.code)
    BOARD.add(Line(f"differencing by one authority, {path}", "refused", 0, 0, 0, len(refused)))
    assert len(refused) == len(conditions)
    assert set(refused) <= {"authority_column", "path_authorities"}, refused


TINY = ("age = 9 AND ethnicity_major = 'asian'", "age = 14 AND ethnicity_major = 'black' AND sex = 'F'")
MODEL = f"SELECT FIT_LINEAR(placements, months_in_care) AS model {CHILDREN}"


@pytest.mark.parametrize("mechanism", ["noise", "exact sums"])
def test_coefficients_of_tiny_cells(open_sum_door: OpenDoor, mechanism: str) -> None:
    """A model in which a coefficient would be a few children's own: nothing is estimated of them."""
    door, found = open_sum_door(), 0
    fetch = door.fetch if mechanism == "noise" else door.fetch_exact
    for group in TINY:
        answer = fetch(f"{MODEL} AND {group}")
        found += isinstance(answer, ReleaseDocument) and bool(answer.table["terms"])
    BOARD.add(Line("model coefficients of tiny cells", f"models, {mechanism}", 0, 0, found, len(TINY)))
    assert found == 0


def test_a_model_of_everybody_has_coefficients(open_sum_door: OpenDoor) -> None:
    """So the attack on tiny cells is one on something that is there."""
    answer = open_sum_door().fetch_exact(MODEL)
    assert isinstance(answer, ReleaseDocument)
    assert {each["term"] for each in answer.table["terms"]} == {"intercept", "months_in_care"}
