"""Who may see which page of the hub: the access matrix, page by page.

What is released is read by whoever may have safe aggregates, the analyst of the department among them; how it came
about, and all that is not released, by its asker and those who look after the federation.
"""

import pytest
from flask import Flask

from audit.event import Action, Outcome
from audit.log import read_entries
from hub.pages.site import DOORS
from tests.hub.pages.conftest import Browse
from tests.hub.played_federation import PlayedFederation

VISITORS = ("", "ana", "bea", "cho", "eve", "fay", "gus", "hub")

#                                        nobody asker analyst approver officer officer  checker operator
#                                                     (other           (hub's) (else-            (hub
#                                                     project)                 where)            itself)
ACCESS = {
    "/":                                 (200,  200,  200,    200,     200,    200,     200,    200),
    "/assets/circe.css":                 (200,  200,  200,    200,     200,    200,     200,    200),
    "/sign-in":                          (200,  200,  200,    200,     200,    200,     200,    200),
    "/catalogue":                        (200,  200,  200,    200,     200,    200,     200,    200),
    "/catalogue/child_year":             (200,  200,  200,    200,     200,    200,     200,    200),
    "/catalogue/nothing":                (404,  404,  404,    404,     404,    404,     404,    404),
    "/nodes":                            (403,  403,  403,    200,     200,    200,     200,    200),
    "/projects":                         (403,  200,  200,    200,     200,    200,     403,    200),
    "/projects/attendance":              (403,  200,  404,    200,     200,    200,     403,    404),
    "/projects/nothing":                 (403,  404,  404,    404,     404,    404,     403,    404),
    "/projects/attendance/article-30-record":    (403, 200, 404, 200,  200,    200,     403,    404),
    "/projects/attendance/article-30-record.md": (403, 200, 404, 200,  200,    200,     403,    404),
    "/projects/attendance/another-paper": (403, 404,  404,    404,     404,    404,     403,    404),
    "/queries":                          (403,  200,  200,    200,     200,    200,     403,    200),
    "/queries/new":                      (403,  200,  200,    403,     403,    403,     403,    403),
    "/queries/{drafted}":                (403,  200,  404,    200,     200,    200,     200,    404),
    "/queries/{running}":                (403,  200,  404,    200,     200,    200,     200,    404),
    "/queries/Q-0000000000000000":       (403,  404,  404,    404,     404,    404,     404,    404),
    "/queries/{released}/release":       (403,  200,  200,    200,     200,    200,     200,    404),
    "/queries/{running}/release":        (403,  404,  404,    404,     404,    404,     404,    404),
    "/queries/{released}/release?page=2": (403, 404,  404,    404,     404,    404,     404,    404),
    "/queries/{released}/release.csv":   (403,  200,  200,    200,     200,    200,     200,    404),
    "/queries/{released}/open-data.zip": (403, 200,  200,    200,     200,    200,     200,    404),
    "/queries/{released}/release.json":  (403,  200,  200,    200,     200,    200,     200,    404),
    "/queries/{released}/release.tlog-proof":  (403,  200,  200,    200,     200,    200,     200,    404),
    "/queries/{released}/release-xlsx.zip": (403, 200, 200,   200,     200,    200,     200,    404),
    "/queries/{released}/release-pdf.zip":  (404, 404, 404,   404,     404,    404,     404,    404),
    "/queries/{running}/release-csv.zip": (403, 404,  404,    404,     404,    404,     404,    404),
    "/compare":                          (403,  200,  200,    200,     200,    200,     200,    200),
    "/compare?first={released}&second={running}": (403, 404, 404, 404, 404,    404,     404,    404),
    "/reports":                          (403,  200,  200,    200,     200,    200,     200,    200),
    "/reports/metrics":                  (403,  200,  200,    200,     200,    200,     200,    200),
    "/reports/metrics.csv":              (403,  200,  200,    200,     200,    200,     200,    200),
    "/reports/metrics.pdf":              (403,  200,  200,    200,     200,    200,     200,    200),
    "/reports/nothing":                  (403,  404,  404,    404,     404,    404,     404,    404),
    "/reports/ask":                      (403,  200,  200,    403,     403,    403,     403,    403),
    "/releases/{release}":               (200,  200,  200,    200,     200,    200,     200,    200),
    "/releases/R-0000000000000000":      (404,  404,  404,    404,     404,    404,     404,    404),
    "/queries/new?next={released}":      (403,  200,  404,    403,     403,    403,     403,    403),
    "/audit":                            (403,  403,  403,    403,     200,    403,     403,    403),
    "/breach":                           (403,  403,  403,    403,     200,    403,     403,    403),
    "/nowhere":                          (404,  404,  404,    404,     404,    404,     404,    404),
}  # fmt: skip


SECTIONS = ("Home", "Catalogue", "Queries", "Reports", "Projects", "Nodes", "Audit log", "Breach drill")


@pytest.mark.parametrize("member", VISITORS, ids=lambda member: member or "nobody")
def test_each_visitor_sees_what_they_may(browse: Browse, asked: dict[str, str], member: str) -> None:
    """A query that a visitor may not see does not exist for them; a page that they may not use says so."""
    client, place = browse(member), VISITORS.index(member)
    seen = {}
    for path in ACCESS:
        with client.get(path.format(**asked)) as response:
            seen[path] = response.status_code
    assert seen == {path: statuses[place] for path, statuses in ACCESS.items()}


def test_the_table_of_access_has_every_page(app: Flask, asked: dict[str, str]) -> None:
    """A page that is added without a line in the table fails here."""
    urls = app.url_map.bind("hub.test")
    listed = {urls.match(path.format(**asked).split("?")[0])[0] for path in ACCESS if path != "/nowhere"}
    pages = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and rule.rule.split("/")[1] not in DOORS
    }
    assert pages == listed


@pytest.mark.parametrize(
    ("member", "shown"),
    [
        ("", ["Home", "Catalogue"]),
        ("ana", ["Home", "Catalogue", "Queries", "Reports", "Projects"]),
        ("eve", ["Home", "Catalogue", "Queries", "Reports", "Projects", "Nodes", "Audit log", "Breach drill"]),
        ("fay", ["Home", "Catalogue", "Queries", "Reports", "Projects", "Nodes"]),
        ("gus", ["Home", "Catalogue", "Reports", "Nodes"]),
    ],
)
def test_the_navigation_leads_only_where_the_visitor_may_go(browse: Browse, member: str, shown: list[str]) -> None:
    page = browse(member).get("/").text
    navigation = page.split('aria-label="Main"')[1].split("</nav>")[0]
    assert [text for text in SECTIONS if f">{text}<" in navigation] == shown


def test_an_officer_of_another_organisation_may_not_read_the_hubs_log(browse: Browse) -> None:
    """The matrix gives an officer the log of their own organisation; the hub's belongs to whoever runs the hub."""
    refused = browse("fay").get("/audit")
    assert "officers of the organisation that runs the hub" in refused.text


def test_a_page_refused_to_a_member_is_in_the_hubs_log_once_a_day(federation: PlayedFederation, browse: Browse) -> None:
    fay = browse("fay")
    assert [fay.get(f"/audit?actor={name}").status_code for name in ("ana", "bea")] == [403, 403]
    assert browse("").get("/audit").status_code == 403
    entries = list(read_entries(federation.hub.database.connection, action=Action.PAGE_REFUSED))
    (event,) = [entry.to_event() for entry in entries]
    assert (event.actor, event.outcome, event.policy_version) == ("fay", Outcome.REFUSED, federation.hub.policy.version)
    assert dict(event.details) == {"page": "GET /audit", "code": "not_permitted"}
