"""`circe query compare`: two verified releases side by side, and what is said before a difference is read."""

import csv
import io
import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Self

import msgspec
import pytest
from click.testing import CliRunner, Result

from disclosure_control.presets.shelf import SHIPPED
from federation.client.comparing import compare_releases
from federation.client.verification import Answered
from federation.commands.query import query
from federation.comparison import Comparison
from federation.exchange import Ending, ReleaseDocument
from federation.manifest import Manifest
from federation.state import StateError
from tests.disclosure_control.drawn_releases import draw_release
from tests.federation.cast import NOW, make_manifest, sign_manifest
from tests.federation.test_query_fetch import draw_model, make_document

SQL = "SELECT sex, COUNT(*) AS n FROM child_year WHERE sex IN ('M', 'F') GROUP BY sex"
FIRST, SECOND, OTHER_TERM, MODEL = (f"Q-{number:016x}" for number in range(4))


@dataclass
class Connected:
    """Stands where a member's client does: four queries, their releases, and one that was withdrawn."""

    answered: dict[str, tuple[ReleaseDocument, Manifest]]
    withdrawn: str = ""
    presets = SHIPPED

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def fetch_answered(self, query_id: str) -> Answered:
        document, manifest = self.answered[query_id]
        return Answered(document, manifest, sign_manifest(manifest))

    def compare(self, first: str, second: str) -> Comparison:
        return compare_releases(self, first, second)

    def standing(self, query_id: str) -> SimpleNamespace:
        notice = Ending(by="gus", reason="a mistake", at=NOW) if query_id == self.withdrawn else None
        return SimpleNamespace(query_id=query_id, notice=notice)


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> Connected:
    """The client that the command connects with."""
    manifest = make_manifest()
    first, second = (make_document(SQL, draw_release(SQL, "ukllc", {"202": drawn})) for drawn in ("40\nc", "1400\n60"))
    model = msgspec.structs.replace(first, table=draw_model().to_json(), sql="SELECT FIT_LINEAR(attendance, sex) AS m")
    later = msgspec.structs.replace(manifest, snapshot_term="202425-autumn")
    sides = {
        FIRST: (first, manifest),
        SECOND: (second, manifest),
        OTHER_TERM: (second, later),
        MODEL: (model, manifest),
    }
    client = Connected(
        {name: (msgspec.structs.replace(document, query_id=name), of) for name, (document, of) in sides.items()}
    )
    monkeypatch.setattr("federation.client.connect", lambda _: client)
    return client


def compare(*words: str) -> Result:
    return CliRunner().invoke(query, ["compare", "--state", ".", *words], catch_exceptions=False)


def test_a_difference_stands_only_where_both_show_a_figure(connected: Connected) -> None:
    said = compare("--format", "csv", FIRST, SECOND)
    rows = {row["sex"]: row for row in csv.DictReader(io.StringIO(said.stdout))}
    assert (rows["M"]["n_first"], rows["M"]["n_second"], rows["M"]["n_difference"].strip("'")) == (
        "40",
        "1400",
        "+1360",
    )
    assert rows["M"]["n_first_margin"] == "28 to 55"
    assert (rows["F"]["n_first"], rows["F"]["n_second"], rows["F"]["n_difference"]) == ("c", "60", "")
    assert said.stderr == ""


def test_a_table_has_margins_beside_figures_and_thousands_marked(connected: Connected) -> None:
    lines = compare(FIRST, SECOND).stdout.splitlines()
    assert lines[0].split() == ["home_authority", "sex", "n_first", "n_second", "n_difference"]
    assert "40 (28 to 55)" in lines[1]
    assert "+1,360" in lines[1]


def test_json_has_the_same_rows(connected: Connected) -> None:
    rows = json.loads(compare("--format", "json", FIRST, SECOND).stdout)
    assert [row["n_difference"] for row in rows] == ["+1360", ""]


def test_what_must_be_minded_is_said_first_and_a_withdrawn_release_with_it(connected: Connected) -> None:
    connected.withdrawn = OTHER_TERM
    said = compare(FIRST, OTHER_TERM).stderr
    assert f"The release of {OTHER_TERM} has been withdrawn by gus on 2 March 2026: a mistake" in said
    assert "Before you read a difference: they are of different snapshots" in said


@pytest.mark.parametrize(("second", "text"), [(FIRST, "two different queries"), (MODEL, "models are not compared")])
def test_what_cannot_be_compared_is_refused(connected: Connected, second: str, text: str) -> None:
    with pytest.raises(StateError, match=text):
        connected.compare(FIRST, second)
