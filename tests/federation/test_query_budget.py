"""What `circe query` says of privacy budgets: the price before, what is left after, and what accuracy each buys."""

import json

import msgspec
import pytest
from click.testing import CliRunner, Result

from federation.commands.check import check
from federation.commands.query import describe_status
from federation.exchange import BudgetLeft, QueryBudget
from tests.federation.test_every_document import STATUS

COUNTED = "SELECT sex, COUNT(*) AS n, AVG(sdq_score) AS sdq FROM child_year WHERE academic_year = 202425 GROUP BY sex"
SPENT = "SELECT SUM(cost) AS spent FROM support WHERE academic_year = 202425"
"""A child can have any number of rows of this table, so that no noise hides everybody."""


def run_check(*arguments: str) -> Result:
    return CliRunner().invoke(check, list(arguments))


def test_check_prices_a_question_and_says_what_each_budget_buys() -> None:
    found = json.loads(run_check("--format", "json", "--epsilon", "0.5", COUNTED).stdout)["noise"]
    assert (found["epsilon"], found["rho"], found["academic_years"], found["nodes"]) == (
        "0.5",
        "0.04167",
        ["202425"],
        153,
    )
    assert [(each["figure"], each["children"]) for each in found["accuracy"]] == [("n", None), ("sdq", 1000)]
    widths = found["accuracy"][0]["half_widths"]
    assert list(widths) == ["0.1", "0.2", "0.5", "1", "2", "5"]
    assert widths["0.1"] > widths["1"] > widths["5"] > 0
    assert found["left"] is None


def test_check_says_which_kind_of_noise_is_less() -> None:
    """Of a count Laplace's, by far; of a model of many sums Skellam's. The table is of the kind that is asked for."""
    model = "SELECT FIT_LINEAR(sdq_score, age, sex, placements, months_in_care, key_stage) AS m FROM child_year"
    both = [json.loads(run_check("--format", "json", sql).stdout)["noise"] for sql in (COUNTED, model)]
    count, many = (each["skellam_times_as_wide"] for each in both)
    assert count > 2
    assert many < 0.9
    lines = " ".join(run_check(model).stdout.split())
    assert f"with --noise skellam the noise in its sums would be {many:.2g} times as wide" in lines
    other = json.loads(run_check("--format", "json", "--noise", "skellam", COUNTED).stdout)["noise"]
    assert (other["noise"], other["rho"]) == ("skellam", "0.01494")
    assert other["accuracy"][0]["half_widths"]["1"] > 2 * both[0]["accuracy"][0]["half_widths"]["1"]


def test_check_shows_a_table_of_accuracies() -> None:
    lines = run_check(COUNTED).stdout.splitlines()
    (price,) = (line for line in lines if line.startswith("Price"))
    assert "epsilon 1 of 202425 (rho 0.1667), once for all attempts" in price
    (first,) = (place for place, line in enumerate(lines) if line.startswith("Accuracy"))
    epsilons, count = lines[first + 1].split(), lines[first + 2].split()
    assert epsilons == ["epsilon", "0.1", "0.2", "0.5", "1", "2", "5"]
    assert (count[0], len(count), count[1][0]) == ("n", 7, "±")


def test_more_nodes_are_as_accurate_and_few_are_less() -> None:
    """The noise is that of the nodes that can be relied on; the others' comes on top of it."""
    wide, narrow = (
        json.loads(run_check("--format", "json", "--nodes", nodes, COUNTED).stdout)["noise"]["accuracy"][0]
        for nodes in ("153", "5")
    )
    assert narrow["half_widths"]["1"] >= wide["half_widths"]["1"]


def test_what_cannot_be_a_noised_sum_has_no_price() -> None:
    assert json.loads(run_check("--format", "json", SPENT).stdout)["noise"] is None
    assert "Price" not in run_check(SPENT).stdout


class Hub:
    """A member's connection to a hub that knows what is left."""

    def __enter__(self) -> "Hub":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def budget(self, project: str, academic_year: str) -> BudgetLeft:
        return BudgetLeft(project=project, academic_year=academic_year, left="3.5", most_per_question="1", unstated=())


def test_check_asks_the_hub_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("federation.client.connect", lambda _: Hub())
    asking = ("--state", "ana", "--project", "attendance")
    lines = run_check(*asking, COUNTED).stdout
    assert "left of 202425 for project attendance: epsilon 3.5, and 1 at most for one question" in lines
    told = json.loads(run_check(*asking, "--format", "json", COUNTED).stdout)["noise"]["left"]
    assert told == [{"academic_year": "202425", "epsilon": "3.5"}]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--epsilon", "0.50"), "epsilon must be a decimal number"),
        (("--project", "attendance"), "--state and --project go together"),
    ],
)
def test_bad_options_end_in_one_clear_line(arguments: tuple[str, ...], words: str) -> None:
    result = run_check(*arguments, COUNTED)
    assert result.exit_code == 2
    assert words in result.stderr


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (None, []),
        (
            QueryBudget(epsilon="1", rho="0.5", left="4", left_after="3", short=""),
            [
                "  price    epsilon 1 (rho 0.5), once for all attempts",
                "  left     epsilon 4, 3 once it is sent out, for the project and year at the authority with the least",
            ],
        ),
        (
            QueryBudget(epsilon="1", rho="0.5", left="0.5", left_after="0.5", short="too little, at authorities 301"),
            [
                "  price    epsilon 1 (rho 0.5), once for all attempts",
                "  left     epsilon 0.5, for the project and year at the authority with the least",
                "  short    too little, at authorities 301",
            ],
        ),
    ],
    ids=["no noise", "enough", "short"],
)
def test_a_status_says_what_it_costs(budget: QueryBudget | None, said: list[str]) -> None:
    lines = list(describe_status(msgspec.structs.replace(STATUS, budget=budget)))
    assert [line for line in lines if line.split()[0] in ("price", "left", "short")] == said
