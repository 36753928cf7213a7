"""Reports on a member's own machine: the same as the hub's page, from the same releases."""

import io
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import msgspec
import pytest
from click import UsageError
from pypdf import PdfReader

from federation.client import FederationClient
from federation.client.reports import report_on
from federation.exchange import ReleaseDocument
from federation.releases import ReleaseMismatch
from federation.reports.handing_out import hand_out, say_report
from federation.reports.places import LEVELS
from federation.reports.tidy import write_tidy
from federation.state import StateError
from federation.wire import MAX_BATCH_BYTES, decode_document
from hub.queries import find_query
from hub.release import find_release
from hub.standing import describe_query, list_queries
from tests.hub.pages.conftest import Browse
from tests.hub.pages.kept_releases import withdraw
from tests.hub.pages.reported import YEAR
from tests.hub.pages.reported import report_on as prepare
from tests.hub.played_federation import PlayedFederation, found_federation
from tests.hub.sums.conftest import AUTHORITIES

PLACE = "authority:303"


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[PlayedFederation]:
    founded = found_federation(tmp_path, authorities=AUTHORITIES)
    yield founded
    founded.hub.close()


def play_client(federation: PlayedFederation, member: str) -> FederationClient:
    """A member's client that asks the hub without a line between them; what it verifies has tests of its own."""
    hub, reader = federation.hub, federation.member(member)

    def fetch(query_id: str) -> ReleaseDocument:
        return decode_document(
            find_release(hub, find_query(hub, query_id, reader)), ReleaseDocument, limit=MAX_BATCH_BYTES
        )

    double = SimpleNamespace(
        presets=hub.party.presets,
        now=hub.clock,
        refresh_register=hub.register,
        list_queries=lambda: list_queries(hub, reader),
        status=lambda query_id: describe_query(hub, find_query(hub, query_id, reader)),
        fetch=fetch,
    )
    return cast("FederationClient", double)


def test_a_member_writes_the_report_that_the_hub_shows(
    federation: PlayedFederation, browse: Browse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reported = prepare(federation, tmp_path)
    for level in LEVELS:
        reported.ask("absence", of=level)
    withdraw(federation, reported.ask("placements"))
    written = report_on(play_client(federation, "ana"), "metrics", PLACE, YEAR)
    assert write_tidy(written) == browse("ana").get(f"/reports/metrics.csv?place={PLACE}&year={YEAR}").text
    assert "what was released has been withdrawn" in say_report(written)
    hand_out(written, "csv", None)
    assert capsys.readouterr().out == write_tidy(written)
    hand_out(written, "text", None)
    assert "Persistent absence" in capsys.readouterr().out
    hand_out(written, "pdf", tmp_path / "report.pdf")
    paper = PdfReader(io.BytesIO((tmp_path / "report.pdf").read_bytes()))
    assert paper.trailer["/Root"]["/MarkInfo"]["/Marked"]
    with pytest.raises(UsageError, match="--output"):
        hand_out(written, "pdf", None)
    hers = report_on(play_client(federation, "bea"), "metrics", PLACE, YEAR)
    assert not hers.sources


def test_a_hub_that_lists_a_release_under_another_question_is_found_out(
    federation: PlayedFederation, tmp_path: Path
) -> None:
    """Figures of one measure are never read as another's: both have the same columns."""
    reported = prepare(federation, tmp_path)
    one, other = reported.ask("absence"), reported.ask("placements")
    client = play_client(federation, "ana")
    listed = {each.query_id: each for each in client.list_queries()}
    lie = msgspec.structs.replace(listed[one], plan_id=listed[other].plan_id)
    client.list_queries = lambda: (lie,)  # type: ignore[method-assign]
    with pytest.raises(ReleaseMismatch, match="another question"):
        report_on(client, "metrics", "nation", YEAR)


@pytest.mark.parametrize(
    ("name", "place"), [("x", "nation"), ("metrics", "authority:1"), ("practice", "region:London")]
)
def test_what_there_is_not_is_refused(federation: PlayedFederation, name: str, place: str) -> None:
    with pytest.raises(StateError):
        report_on(play_client(federation, "ana"), name, place, YEAR)
