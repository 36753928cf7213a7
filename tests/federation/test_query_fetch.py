"""`circe query fetch`: what is printed of a release, in each form."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from disclosure_control.release import read_released
from federation.commands.query import format_release, query
from federation.exchange import ReleaseDocument
from federation.wire import decode_document, encode_document
from tests.disclosure_control.drawn_releases import draw_release

SQL = "SELECT sex, COUNT(*) AS n FROM child_year WHERE sex IN ('M', 'F') GROUP BY sex HAVING n > 50 LIMIT 1"


@pytest.fixture
def release() -> ReleaseDocument:
    """A release of two rows, of which the query asks to see one."""
    table = draw_release(SQL, "ukllc", {"202": "40\n60"})
    return ReleaseDocument(
        release_id="R-0123456789abcdef",
        query_id="Q-0123456789abcdef",
        manifest_digest="sha256:0",
        sql=SQL,
        purpose="to test",
        released_at=datetime(2026, 1, 1, tzinfo=UTC),
        table=table.to_json(),
        nodes=(),
        replies=(),
        opening=None,
        checkpoint="",
    )


def test_a_table_is_the_view_and_says_so(release: ReleaseDocument) -> None:
    lines = format_release(release, "table").splitlines()
    assert lines[0] == "Release R-0123456789abcdef of query Q-0123456789abcdef"
    assert lines[1].startswith("1 of 2 rows, as the query's HAVING and LIMIT choose; ")
    assert lines[1].endswith("; --whole shows all as released.")
    assert lines[3:6] == ["home_authority  sex   n", "202             F    60 (45 to 78)", ""]


def test_a_whole_table_says_nothing_of_a_view(release: ReleaseDocument) -> None:
    lines = format_release(release, "table", whole=True).splitlines()
    assert lines[1:5] == [
        "",
        "home_authority  sex   n",
        "202             M    40 (28 to 55)",
        "202             F    60 (45 to 78)",
    ]


def test_csv_is_as_whole_as_it_is_asked_for(release: ReleaseDocument) -> None:
    whole = format_release(release, "csv", whole=True)
    assert whole == read_released(release.table).to_csv()
    assert format_release(release, "csv").splitlines() == ["home_authority,sex,n", "202,F,60"]
    assert format_release(release, "csv", margins=True).splitlines()[1] == "202,F,60,45,78"


def test_json_is_the_release_document_and_margins_stand_beside_it(release: ReleaseDocument) -> None:
    """The document's own keys are untouched, so that what reads a release reads this one's."""
    alone = format_release(release, "json")
    assert alone == encode_document(release).decode() + "\n"
    assert decode_document(alone.strip().encode(), ReleaseDocument) == release
    beside = json.loads(format_release(release, "json", margins=True))
    assert beside.pop("margins") == [{"n": {"low": 28, "high": 55}}, {"n": {"low": 45, "high": 78}}]
    assert beside == json.loads(alone)
    assert read_released(beside["table"]) == read_released(release.table)


def test_a_document_cannot_be_cut_to_a_view(release: ReleaseDocument) -> None:
    """What is signed for is the whole release."""
    said = CliRunner().invoke(query, ["fetch", "--state", ".", "--format", "json", "--view", "Q-1"])
    assert said.exit_code == 2
    assert "a release document is whole" in said.output


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        (["--format", "csv"], 2),
        (["--format", "csv", "--view"], 1),
        (["--format", "csv", "--whole", "--margins"], 2),
        (["--format", "table"], 1),
        (["--format", "table", "--whole"], 2),
    ],
    ids=str,
)
def test_a_table_is_the_view_and_csv_is_whole_unless_told_otherwise(
    release: ReleaseDocument, options: list[str], rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("federation.client.connect", lambda state: _Connected(release))
    said = CliRunner().invoke(query, ["fetch", "--state", ".", "--no-wait", *options, "Q-1"], catch_exceptions=False)
    assert sum(line.startswith("202") for line in said.stdout.splitlines()) == rows


class _Connected:
    """A client that has fetched a release already."""

    def __init__(self, release: ReleaseDocument) -> None:
        self._release = release

    def __enter__(self) -> "_Connected":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def fetch(self, query_id: str) -> ReleaseDocument:
        assert query_id == "Q-1"
        return self._release
