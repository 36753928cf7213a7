"""`circe query run`: which path a question leaves by when its asker names none, and what the asker is told."""

from types import SimpleNamespace, TracebackType

import pytest
from click.testing import CliRunner, Result

from federation.commands.query import query
from federation.exchange import QueryDraft
from federation.manifest import Path

TOTAL = "SELECT sex, COUNT(*) AS n FROM child_year WHERE academic_year = 202425 AND counted_here GROUP BY sex"
ROWS = TOTAL.replace("sex", "home_authority")


class StandIn:
    """A client that keeps what it was to submit."""

    def __init__(self) -> None:
        self.drafts: list[QueryDraft] = []

    def __enter__(self) -> "StandIn":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Nothing is open."""

    def submit(self, draft: QueryDraft) -> SimpleNamespace:
        self.drafts.append(draft)
        return SimpleNamespace(cells=3, query_id="Q-0123456789abcdef", budget=None)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    found = StandIn()
    monkeypatch.setattr("federation.client.connect", lambda _state: found)
    return found


def run(sql: str, *options: str) -> Result:
    what = ("--state", ".", "--project", "attendance", "--purpose", "A test", "--year", "202425")
    result = CliRunner().invoke(query, ["run", *what, *options, sql])
    assert result.exit_code == 0, result.output
    assert result.stdout == "Q-0123456789abcdef\n"
    return result


def test_a_total_leaves_by_the_noised_sum(client: StandIn) -> None:
    told = run(TOTAL).stderr
    assert client.drafts[0].path is Path.NOISY_SUM
    assert "leaves by noisy_sum, since it asks for no authority's own figures" in told
    assert "--path per_authority" in told
    assert "3 cells;" in told


def test_rows_of_authorities_leave_by_each_authority(client: StandIn) -> None:
    told = run(ROWS).stderr
    assert client.drafts[0].path is Path.PER_AUTHORITY
    assert "leaves by per_authority, since it has a row for each home_authority" in told
    assert "3 cells an authority" in told


@pytest.mark.parametrize("path", ["per_authority", "noisy_sum"])
def test_a_path_that_is_named_is_taken_without_a_word(client: StandIn, path: str) -> None:
    assert "leaves by" not in run(TOTAL, "--path", path).stderr
    assert client.drafts[0].path == path
