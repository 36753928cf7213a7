"""`circe query fetch`: what is printed of a release, in each form."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import msgspec
import pytest
from click.testing import CliRunner

from disclosure_control.models.release import ReleasedModel, name_roster, release_linear
from disclosure_control.noise.terms import NoiseTerms
from disclosure_control.presets.shelf import SHIPPED
from disclosure_control.presets.shipped import load_preset
from disclosure_control.release.gate import ReleasedTable, read_released
from disclosure_control.release.totals import release_noisy_total
from federation.client.verification import Answered
from federation.commands.fetch import format_release
from federation.commands.query import query
from federation.exchange import ReleaseDocument
from federation.manifest import Path as LeavingPath
from federation.plans import derive_plan
from federation.wire import decode_document, encode_document
from tests.disclosure_control.drawn_releases import draw_release
from tests.disclosure_control.models.test_model_release import COUNTS, LINEAR, SUMS
from tests.federation.cast import make_manifest, sign_manifest

SQL = "SELECT sex, COUNT(*) AS n FROM child_year WHERE sex IN ('M', 'F') GROUP BY sex HAVING n > 50 LIMIT 1"


def make_document(sql: str, table: ReleasedTable) -> ReleaseDocument:
    """A release of a table, as the hub would hand it out."""
    return ReleaseDocument(
        release_id="R-0123456789abcdef",
        query_id="Q-0123456789abcdef",
        manifest_digest="sha256:0",
        sql=sql,
        purpose="to test",
        released_at=datetime(2026, 1, 1, tzinfo=UTC),
        table=table.to_json(),
        nodes=(),
        replies=(),
        opening=None,
        checkpoint="",
    )


def draw_model() -> ReleasedModel:
    """A model over one authority, of which another is no part."""
    fitted = release_linear(LINEAR, SUMS, COUNTS, 0, load_preset("opensafely"))
    return name_roster(fitted, "plan-1", ("201",), {"302": "late"}, "A total over 1 of 2 authorities.")


@pytest.fixture
def release() -> ReleaseDocument:
    """A release of two rows, of which the query asks to see one."""
    return make_document(SQL, draw_release(SQL, "ukllc", {"202": "40\n60"}))


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


def test_what_could_not_be_rechecked_is_said_beside_it(
    release: ReleaseDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("federation.client.connect", lambda state: Connected(release, ("the plan, since it is old",)))
    said = CliRunner().invoke(query, ["fetch", "--state", ".", "--no-wait", "Q-1"], catch_exceptions=False)
    assert "not rechecked: the plan, since it is old" in said.stderr
    assert said.exit_code == 0


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
    monkeypatch.setattr("federation.client.connect", lambda state: Connected(release))
    said = CliRunner().invoke(query, ["fetch", "--state", ".", "--no-wait", *options, "Q-1"], catch_exceptions=False)
    assert sum(line.startswith("202") for line in said.stdout.splitlines()) == rows


@pytest.fixture
def model(release: ReleaseDocument) -> ReleaseDocument:
    """A release of a model."""
    return msgspec.structs.replace(release, table=draw_model().to_json(), sql="SELECT FIT_LINEAR(attendance, sex) AS m")


def test_a_model_is_printed_in_each_form(model: ReleaseDocument) -> None:
    """Its intervals are in it whatever is asked for, and its document is untouched."""
    lines = format_release(model, "table").splitlines()
    assert lines[0] == "Release R-0123456789abcdef of query Q-0123456789abcdef"
    assert " ".join(lines[4].split()) == "sex=F 0.0300 0.0056 0.0189 0.0411"
    assert "302: no answer came in time (late)" in lines
    assert "A total over 1 of 2 authorities." in lines
    written = format_release(model, "csv")
    assert written == format_release(model, "csv", margins=True)
    assert written.splitlines()[2] == "sex=F,0.0300,0.0056,0.0189,0.0411"
    for margins in (False, True):
        assert (
            decode_document(format_release(model, "json", margins=margins).strip().encode(), ReleaseDocument) == model
        )


@pytest.fixture
def total(release: ReleaseDocument) -> ReleaseDocument:
    """A release of a noised total over six authorities, of which a seventh is no part."""
    plan, terms = derive_plan(SQL, LeavingPath.NOISY_SUM), NoiseTerms("1", 7, 1, 1)
    answered = ("201", "301", "302", "303", "330", "815")
    figures = [400, 2**64 - 3] * len(plan.statistics)
    table = release_noisy_total(plan, figures, terms, answered, {"886": "late"}, load_preset("opensafely"))
    return msgspec.structs.replace(release, table=table.to_json())


def test_a_total_is_printed_in_each_form(total: ReleaseDocument) -> None:
    """No column of authorities, negative counts as they are, margins that have the noise in them."""
    lines = format_release(total, "table", whole=True).splitlines()
    assert lines[2].split() == ["sex", "n"]
    assert lines[3].startswith("M    400 (")
    assert "886: no answer came in time (late)" in lines
    assert "A total over 6 of 7 authorities." in " ".join(lines)
    assert format_release(total, "csv", whole=True).splitlines() == ["sex,n", "M,400", "F,-3"]
    assert format_release(total, "csv").splitlines() == ["sex,n", "M,400"]
    beside = json.loads(format_release(total, "json", margins=True))
    assert beside["margins"][0]["n"]["low"] < 400 < beside["margins"][0]["n"]["high"]
    assert read_released(beside["table"]).is_total


class Connected:
    """A client that has fetched a release already."""

    presets = SHIPPED

    def __init__(self, release: ReleaseDocument, left_open: tuple[str, ...] = ()) -> None:
        self._release, self.left_open = release, left_open

    def __enter__(self) -> "Connected":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def fetch_answered(self, query_id: str) -> Answered:
        assert query_id == "Q-1"
        manifest = make_manifest()
        return Answered(self._release, manifest, sign_manifest(manifest), self.left_open)

    def gather_evidence(self, answered: Answered) -> bytes:
        assert answered.document is self._release
        return b"evidence"

    def standing(self, query_id: str) -> SimpleNamespace:
        return SimpleNamespace(notice=None)

    def fetch_proof(self, release: ReleaseDocument) -> tuple[bytes, str]:
        assert release is self._release
        return b"proof", "the release is entry 7 of the log of hub"
