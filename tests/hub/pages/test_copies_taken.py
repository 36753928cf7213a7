"""Whatever is taken away from the hub as a file is in its log before it leaves: by page and by door, and once."""

import re
from pathlib import Path

from flask import Flask

from audit.event import Action, AuditEvent
from audit.log import read_entries
from audit.patterns import EXPORTS
from federation.web.description import DESCRIBED, HTML, read_described
from hub.pages.site import DOORS
from tests.hub.callers import gather
from tests.hub.pages.conftest import Browse, Send
from tests.hub.played_federation import PlayedFederation

HUB = Path("hub")

TAKEN = {
    "/queries/{released}/release.csv": "csv",
    "/queries/{released}/release.csv?margins=yes&consistent=yes": "csv-margins-consistent",
    "/queries/{released}/release.json": "json",
    "/queries/{released}/release.tlog-proof": "tlog-proof",
    "/queries/{released}/release-xlsx.zip": "xlsx",
    "/queries/{released}/release-csv.zip": "csv",
    "/queries/{released}/release-parquet.zip": "parquet",
    "/queries/{released}/release-arrow.zip": "arrow",
    "/queries/{released}/open-data.zip": "open-data",
    "/reports/metrics.csv": "csv",
    "/reports/metrics.pdf": "pdf",
    "/projects/attendance/article-30-record.md": "markdown",
}
"""Every page that hands out a file of figures or papers, and the form that the log has of it."""

OF_THE_LOG = {"/audit/found": "csv", "/audit/whole": "whole"}


def read_copies(federation: PlayedFederation) -> list[AuditEvent]:
    """The entries of copies, oldest first."""
    entries = [entry.to_event() for entry in read_entries(federation.hub.database.connection)]
    return [event for event in reversed(entries) if event.action in EXPORTS]


def test_a_file_that_is_taken_away_is_in_the_log(
    browse: Browse, asked: dict[str, str], federation: PlayedFederation
) -> None:
    """Who, for whom, what of, which form and under which policy; and once."""
    ana = browse("ana")
    for number, (path, form) in enumerate(TAKEN.items(), start=1):
        answer = ana.get(path.format(**asked))
        assert answer.headers["Content-Disposition"].startswith("attachment")
        copies = read_copies(federation)
        assert len(copies) == number, path
        event = copies[-1]
        assert (event.action, event.actor, event.acting_for) == (Action.FILE_EXPORTED, "ana", "university")
        assert (event.details["form"], event.policy_version) == (form, federation.hub.policy.version)
        if path.startswith("/queries"):
            assert event.reference == asked["released"]
            assert dict(event.details) == {"form": form, "release": asked["release"]}


def test_a_copy_of_the_log_is_in_the_log(browse: Browse, send: Send, federation: PlayedFederation) -> None:
    eve = browse("eve")
    for path, form in OF_THE_LOG.items():
        answer = send(eve, path, {"form": form, "actor": "ana"}, shown="/audit")
        assert answer.headers["Content-Disposition"].startswith("attachment")
        event = read_copies(federation)[-1]
        assert (event.action, event.actor, event.acting_for) == (Action.AUDIT_EXPORTED, "eve", "hub-operator")
        assert event.details["form"] == form


def test_no_page_hands_out_a_file_that_is_not_tried_here(app: Flask) -> None:
    """Nor does any module of the hub but one know how: a page that is added goes through it, or fails here."""
    urls = app.url_map.bind("hub.test")
    tried = {urls.match(path.split("?")[0].format(released="Q-1"))[0] for path in TAKEN}
    tried |= {urls.match(path, method="POST")[0] for path in OF_THE_LOG}
    files = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.rule.split("/")[1] not in DOORS
        and hasattr(view := app.view_functions[rule.endpoint], DESCRIBED)
        and HTML not in read_described(view).gives
    }
    assert tried == files
    knows = re.compile(r"\battach\(|Content-Disposition|send_file|as_attachment")
    assert [path for path in sorted(HUB.rglob("*.py")) if knows.search(path.read_text())] == [HUB / "copies.py"]


def test_what_is_refused_is_no_copy(browse: Browse, asked: dict[str, str], federation: PlayedFederation) -> None:
    for path in ("/queries/{running}/release-csv.zip", "/queries/{released}/release-pdf.zip", "/reports/nothing.csv"):
        assert browse("ana").get(path.format(**asked)).status_code == 404
    assert browse("").get(f"/queries/{asked['released']}/release.csv").status_code == 403
    assert read_copies(federation) == []


def test_what_software_fetches_is_in_the_log(asked: dict[str, str], federation: PlayedFederation) -> None:
    callers, path = gather(federation), f"/api/queries/{asked['released']}"
    for caller, what in (("ana", "release"), ("ana", "proof"), ("node-301", "release")):
        assert callers.call(caller, "GET", f"{path}/{what}").status_code == 200
    assert callers.call("ana", "GET", f"/api/queries/{asked['running']}/release").status_code == 404
    copies = read_copies(federation)
    assert [(each.actor, each.details["form"]) for each in copies] == [
        ("ana", "json"),
        ("ana", "tlog-proof"),
        ("node-301", "json"),
    ]
    assert {(each.reference, each.details["release"]) for each in copies} == {(asked["released"], asked["release"])}


def test_the_officer_reads_how_many_copies_somebody_took(
    browse: Browse, send: Send, asked: dict[str, str], federation: PlayedFederation
) -> None:
    """On their page of the log, and in the drill of their key, with the release."""
    ana, eve = browse("ana"), browse("eve")
    for path in list(TAKEN)[:3]:
        ana.get(path.format(**asked))
    said = re.sub(r"<[^>]+>|\s+", " ", eve.get("/audit?actor=ana").text)
    assert re.search(r"Copies taken away\s+3\b", said)
    drilled = re.sub(
        r"<[^>]+>|\s+", " ", send(eve, "/breach", {"member": "ana", "since": "2026-01-01", "until": "2026-12-31"}).text
    )
    assert re.search(r"Copies taken away\s+3\b", drilled)
    assert drilled.count("file.exported") >= 3
