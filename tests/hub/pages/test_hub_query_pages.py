"""Following a query, reading its release, and reading the log."""

import csv
import io
import json
import re
from datetime import timedelta

import msgspec
import pytest

from audit.event import Action
from audit.log import read_entries
from disclosure_control.release.gate import read_released
from disclosure_control.release.showing import OF_ANOTHER_CATALOGUE
from federation.commands.query import describe_status
from federation.exchange import Ending, NodeProgress, QueryState, QueryStatus, ReleaseDocument
from federation.problems import ProblemRaised
from federation.web import log_page
from federation.wire import decode_document
from hub.endings import refuse_query
from hub.pages import downloads, release
from hub.pages.journey import list_signers, list_steps
from hub.settling import settle_due
from query_engine.refusal import QueryRefused, RefusalCode
from tests.federation.cast import make_member
from tests.hub.pages.conftest import Browse, Send
from tests.hub.pages.page_reader import read_page
from tests.hub.pages.test_hub_asking import main_text
from tests.hub.played_federation import NODES, SQL, START, PlayedFederation

SIGNED, APPROVED = ("ana",), ("ana", "cho", "dev")

JOURNEYS = {
    # state            signers     drafted  signed     approved   answered   released
    "drafted":        ((),        ["done",  "now",     "ahead",   "ahead",   "ahead"]),
    "submitted":      (SIGNED,    ["done",  "done",    "now",     "ahead",   "ahead"]),
    "approved":       (APPROVED,  ["done",  "done",    "done",    "now",     "ahead"]),
    "running":        (APPROVED,  ["done",  "done",    "done",    "now",     "ahead"]),
    "checking":       (APPROVED,  ["done",  "done",    "done",    "done",    "now"]),
    "released":       (APPROVED,  ["done",  "done",    "done",    "done",    "done"]),
    "expired":        ((),        ["done",  "stopped", "ahead",   "ahead",   "ahead"]),
    "expired, signed": (SIGNED,   ["done",  "done",    "stopped", "ahead",   "ahead"]),
    "unfinished":     (APPROVED,  ["done",  "done",    "done",    "stopped", "ahead"]),
    "unfinished, answered": (APPROVED, ["done", "done", "done",   "done",    "stopped"]),  # the release gate refused it
    "refused":        (SIGNED,    ["done",  "done",    "stopped", "ahead",   "ahead"]),
    "refused, refused": (APPROVED, ["done", "done",   "done",    "stopped", "ahead"]),  # by the authorities
    "withdrawn":      ((),        ["done",  "stopped", "ahead",   "ahead",   "ahead"]),
    "withdrawn, answered": (APPROVED, ["done", "done", "done",    "done",    "stopped"]),
}  # fmt: skip


def make_status(state: QueryState, signers: tuple[str, ...], outcome: str = "awaited") -> QueryStatus:
    return QueryStatus(
        query_id="Q-0000000000000000",
        state=state,
        project="attendance",
        asker="ana",
        purpose="Why",
        sql="SELECT",
        manifest_digest="0" * 64,
        plan_id="plan-0",
        cells=1,
        signers=signers,
        expires_at=START,
        nodes=(NodeProgress(node="node-301", authority="301", outcome=outcome, code="", text=""),),
    )


@pytest.mark.parametrize("journey", JOURNEYS)
def test_the_steps_say_where_a_query_stands(journey: str) -> None:
    signers, standings = JOURNEYS[journey]
    state, _, more = journey.partition(", ")
    outcome = more if more in ("answered", "refused") else "awaited"
    steps = list_steps(make_status(QueryState(state), signers, outcome), "hub")
    assert [str(step.standing) for step in steps] == standings


@pytest.mark.parametrize(
    ("by", "said"), [("hub", "on 23 November 2026: not here"), ("cho", "by cho on 23 November 2026: not here")]
)
@pytest.mark.parametrize("outcome", ["refused", "answered"])
def test_who_refused_it_is_said_as_it_was(outcome: str, by: str, said: str) -> None:
    """Of what the authorities refused, the hub says so; it has refused nothing itself. To a sum some contributed.

    Page and command say it in the same words.
    """
    ending = Ending(by=by, reason="not here", at=START)
    status = msgspec.structs.replace(make_status(QueryState.REFUSED, APPROVED, outcome), ending=ending)
    assert list_steps(status, "hub")[-1].detail == f"Refused {said}"
    assert f"  ended    {said}" in list(describe_status(status, "hub"))


def test_a_page_names_the_approver_who_refused_a_query_and_not_the_hub(
    federation: PlayedFederation, browse: Browse
) -> None:
    """What all authorities refused nobody else has."""
    by_nodes, by_cho, ana = federation.start(), federation.sign(federation.draft(), "ana"), browse("ana")
    for node in NODES:
        federation.refuse(by_nodes, node, "plan_differs")
    refuse_query(federation.hub, by_cho, "It is too wide", federation.member("cho"))
    told = "Every authority that was asked refused it: plan_differs at authorities 301, 302, 303. On 23 November 2026."
    assert told in main_text(ana.get(f"/queries/{by_nodes}").text)
    assert "It is too wide. By cho on 23 November 2026." in main_text(ana.get(f"/queries/{by_cho}").text)


def test_there_is_a_journey_for_every_state() -> None:
    assert {journey.partition(",")[0] for journey in JOURNEYS} == set(QueryState)


def test_signers_are_named_as_the_register_names_them(federation: PlayedFederation) -> None:
    """One who is in no register any more keeps their id."""
    status = make_status(QueryState.SUBMITTED, ("ana", "cho", "gone"))
    signers = list_signers(status, federation.hub.register().members)
    assert [(signer.title, signer.organisation, signer.part) for signer in signers] == [
        ("Ana Researcher", "university", "Asker"),
        ("Cho Approver", "authority-301", "Approver"),
        ("", "", "Approver"),
    ]


@pytest.mark.parametrize(
    ("member", "state", "command"),
    [
        ("ana", "drafted", "circe query sign"),
        ("cho", "drafted", ""),
        ("ana", "submitted", ""),
        ("cho", "submitted", ""),  # has approved it already
        ("dev", "submitted", "circe approve"),
        ("gus", "submitted", ""),
        ("dev", "running", ""),
    ],
)
def test_each_visitor_is_shown_the_command_that_is_theirs(
    browse: Browse, asked: dict[str, str], member: str, state: str, command: str
) -> None:
    text = main_text(browse(member).get(f"/queries/{asked[state]}").text)
    assert ("--state" in text) is bool(command)
    assert f"{command} --state YOUR-DIRECTORY {asked[state]}" in text or not command


def test_the_page_of_a_query_follows_its_nodes(browse: Browse, federation: PlayedFederation) -> None:
    query = federation.refuse(federation.answer(federation.start(), "node-301"), "node-302")
    page = browse("ana").get(f"/queries/{query}").text
    text = main_text(page)
    assert "2 of 3 have answered" in text
    assert "Barking and Dagenham 301 node-301 Answered" in text
    assert "Barnet 302 node-302 Refused Wait for the next. history_full" in text
    assert "Bexley 303 node-303 Awaited" in text
    assert "Reload to see where it stands now" in text
    assert "http-equiv" not in page


def test_a_query_of_an_older_catalogue_can_still_be_followed(
    browse: Browse, asked: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its plan cannot be derived any more, so its id stands for it; everything else is there."""

    def refuse(*_: object) -> None:
        raise ProblemRaised(422, "unknown_column", "there is no such column")

    ana = browse("ana")
    monkeypatch.setattr("hub.queries.plan_draft", refuse)
    text = main_text(ana.get(f"/queries/{asked['released']}").text)
    assert re.search(r"Plan plan-[0-9a-f]{32}, under catalogue version", text)


def test_a_query_that_runs_out_of_time_is_settled_when_it_is_looked_at(
    browse: Browse, federation: PlayedFederation
) -> None:
    """The asker needs no node to call before hearing of it."""
    query = federation.draft()
    federation.clock.advance(timedelta(days=7))
    text = main_text(browse("ana").get(f"/queries/{query}").text)
    assert "expired" in text
    assert "Nothing is released." in text
    assert "Reload" not in text


def read_rows(html: str) -> list[list[str]]:
    """The cells of a page's first table, row by row, head included."""
    page = read_page(html)
    table = page.all("table")[0]
    cells = [cell for cell in page.all("th", "td") if table in cell.inside]
    rows: dict[int, list[str]] = {id(cell.inside[-1]): [] for cell in cells}
    for cell in cells:
        rows[id(cell.inside[-1])].append(cell.text.strip())
    return list(rows.values())


def test_the_release_page_says_what_its_codes_mean(
    browse: Browse, asked: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that do not say it themselves, as these key stages do."""
    path = f"/queries/{asked['released']}/release"
    assert "What the codes mean" not in browse("ana").get(path).text
    monkeypatch.setattr("federation.release_files.categories._says_itself", lambda *_: False)
    page = browse("ana").get(path).text
    assert "What the codes mean" in page
    assert "<dt>key_stage_1</dt><dd>Key stage 1</dd>" in page


def test_the_release_page_shows_the_released_table(browse: Browse, asked: dict[str, str]) -> None:
    """The same rows as the CSV, with names beside the codes; symbols as they are, never 0 and never blank.

    Beside a figure stands its margin of error, and the same in the CSV that has margins.
    """
    ana, path = browse("ana"), f"/queries/{asked['released']}/release"
    shown = read_rows(ana.get(path).text)
    written = list(csv.reader(io.StringIO(ana.get(f"{path}.csv").text)))
    assert shown[0] == written[0] == ["home_authority", "key_stage", "children", "attendance"]
    assert [[entry.partition(" margin ")[0] for entry in row[1:]] for row in shown] == [row[1:] for row in written]
    beside = list(csv.reader(io.StringIO(ana.get(f"{path}.csv?margins=yes").text)))
    assert beside[0] == [*written[0], "children_low", "children_high", "attendance_low", "attendance_high"]
    margins = [row[2].partition(" margin ")[2].strip().split(" to ") for row in shown[1:] if " margin " in row[2]]
    assert margins == [row[4:6] for row in beside[1:] if row[4].isdecimal()] != []
    assert {row[0] for row in shown[1:]} == {"Barking and Dagenham (301)", "Barnet (302)", "Bexley (303)"}
    assert ["Barnet (302)", "early_years", "x", "x"] in shown
    assert ["Barking and Dagenham (301)", "early_years", "c", "c"] in shown


def test_the_release_page_says_how_to_read_and_cite_it(browse: Browse, asked: dict[str, str]) -> None:
    ana, path = browse("ana"), f"/queries/{asked['released']}/release"
    document = json.loads(ana.get(f"{path}.json").text)
    text = main_text(ana.get(path).text)
    assert f"Cite it as {document['release_id']}" in text
    assert "c withheld to protect confidentiality" in text
    assert "margin of error of 95%. Conclusions are tentative." in text
    assert "attendance has no margin: ask for COUNT(*) FILTER (WHERE attendance_rate IS NOT NULL) beside it." in text
    assert "x not available: the authority did not answer" in text
    assert document["table"]["method"] in text
    assert "Barnet (302) Refused Wait for the next." in text
    assert "Barking and Dagenham (301) Answered" in text


def test_the_files_of_a_release_are_attachments_named_after_it(browse: Browse, asked: dict[str, str]) -> None:
    """The JSON is the stored document itself, so that what is signed for is what is handed out."""
    ana, path = browse("ana"), f"/queries/{asked['released']}/release"
    written = ana.get(f"{path}.json")
    document = decode_document(written.data, ReleaseDocument)
    for response, kind in ((written, "application/json"), (ana.get(f"{path}.csv"), "text/csv")):
        assert response.content_type == f"{kind}; charset=utf-8"
        ending = kind.rpartition("/")[2]
        assert response.headers["Content-Disposition"] == f'attachment; filename="{document.release_id}.{ending}"'
    assert ana.get(f"{path}.csv").text == read_released(document.table).to_csv()


def test_a_late_authority_and_a_useless_answer_are_told_apart(federation: PlayedFederation, browse: Browse) -> None:
    query = federation.answer(federation.start(), "node-301")
    federation.answer_uselessly(query, "node-302")
    federation.clock.advance(timedelta(days=7))
    settle_due(federation.hub, federation.clock())
    text = main_text(browse("ana").get(f"/queries/{query}/release").text)
    assert "Barnet (302) Refused What it sent was no protected table of this question (malformed_answer)." in text
    assert "Bexley (303) Late No answer came in time." in text


def test_the_hub_works_out_no_more_margins_than_it_has_time_for(
    browse: Browse, asked: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """21 rows of 2 figures; a page has its own rows' margins whatever the size of the table."""
    ana, path = browse("ana"), f"/queries/{asked['released']}/release"
    monkeypatch.setattr(downloads, "MOST_MARGINS", 42)
    assert f"{path}.csv?margins=yes" in ana.get(path).text
    monkeypatch.setattr(downloads, "MOST_MARGINS", 41)
    assert ana.get(f"{path}.csv?margins=yes").status_code == 404
    assert f"{path}.csv?margins=yes" not in ana.get(path).text
    assert "margin of error of 95%" in main_text(ana.get(path).text)


VIEW = f"{SQL} HAVING children > 60 ORDER BY children DESC LIMIT 9"


def test_the_page_shows_the_view_that_the_query_asks_for(
    federation: PlayedFederation, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says which rows it shows and links to the whole table, whose pages stay whole; the files always are."""
    monkeypatch.setattr(release, "ROWS_SHOWN", 8)
    query = federation.answer(federation.start(VIEW), "node-301", "node-303")
    federation.refuse(query, "node-302")
    ana, path = browse("ana"), f"/queries/{query}/release"
    viewed, rest = ana.get(path).text, ana.get(f"{path}?page=2").text
    assert "9 of 21 rows, as the query's HAVING, ORDER BY and LIMIT choose" in main_text(viewed)
    assert [len(read_rows(page)) - 1 for page in (viewed, rest)] == [8, 1]
    counts = [row[2].partition(" ")[0] for row in read_rows(viewed)[1:] + read_rows(rest)[1:]]
    shown = [int(count) for count in counts if count.isdecimal()]
    assert shown == sorted(shown, reverse=True) != []
    assert min(shown) > 60
    assert counts[len(shown) :] == [count for count in counts if not count.isdecimal()] != []
    whole = ana.get(f"{path}?whole=yes").text
    assert f'href="{path}?whole=yes"' in viewed
    assert f'href="{path}?whole=yes&amp;page=2"' in whole
    assert "All rows, as released." in main_text(whole)
    assert len(ana.get(f"{path}.csv").text.splitlines()) - 1 == 21


def test_a_release_of_a_catalogue_that_has_changed_is_shown_whole(
    browse: Browse, asked: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("disclosure_control.release.showing.plan_query", refuse_to_plan)
    page = browse("ana").get(f"/queries/{asked['released']}/release").text
    assert OF_ANOTHER_CATALOGUE in main_text(page)
    assert len(read_rows(page)) - 1 == 21


def refuse_to_plan(*_: object) -> None:
    raise QueryRefused(RefusalCode.UNKNOWN_COLUMN, "there is no such column now")


def test_a_long_table_is_shown_a_page_at_a_time(
    browse: Browse, asked: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "ROWS_SHOWN", 10)
    ana, path = browse("ana"), f"/queries/{asked['released']}/release"
    pages = [ana.get(f"{path}?page={page}") for page in (1, 2, 3)]
    assert [len(read_rows(page.text)) - 1 for page in pages] == [10, 10, 1]
    assert [(">Previous<" in page.text, ">Next<" in page.text) for page in pages] == [
        (False, True),
        (True, True),
        (True, False),
    ]
    for page in ("0", "4", "-1", "x", "1.0", "¹", "9" * 5000):
        assert ana.get(path, query_string={"page": page}).status_code == 404, page


def test_a_query_that_can_be_approved_no_more_says_so(
    browse: Browse, asked: dict[str, str], federation: PlayedFederation
) -> None:
    """Its first approver has another key by now: nobody is asked to sign it, and the asker is told to draft it anew."""
    page = f"/queries/{asked['submitted']}"
    assert "circe approve" in browse("dev").get(page).text
    assert "drafted anew" not in browse("ana").get(page).text
    federation.change_member("cho", signing_key=make_member("node-999").signing_key)
    assert "circe approve" not in browse("dev").get(page).text
    assert "since cho signed it with a key that is registered no more: draft it anew" in browse("ana").get(page).text
    assert "drafted anew" not in browse("ana").get(f"/queries/{asked['released']}").text


def test_a_breach_is_drilled_at_the_hub(
    federation: PlayedFederation, browse: Browse, send: Send, asked: dict[str, str]
) -> None:
    """What a member's stolen key touched here, how to end it, and the draft; who drilled is in the log first."""
    eve = browse("eve")
    page = send(eve, "/breach", {"member": "ana", "since": "2026-01-01", "until": "2026-12-31"}).text
    assert asked["released"] in page
    said = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    concerned = "authority-301, authority-302, authority-303, institute, university"
    assert f"Organisations {concerned}" in said
    assert f"Other organisations concerned, each of whom is told: {concerned}." in said
    assert "circe member revoke --root ROOT" in page
    assert "NOTICE OF A PERSONAL DATA BREACH: DRAFT" in page
    newest = next(read_entries(federation.hub.database.connection)).to_event()
    assert (newest.actor, newest.action) == ("eve", Action.AUDIT_READ)
    assert newest.details["drill"] == "the keys of ana, researcher of university"
    # Nobody is at the hub who is no member of the register.
    assert "A person at this node" not in eve.get("/breach").text
    for wrong in (
        {},
        {"person": "ana", "since": "2026-01-01"},
        {"member": "ana"},
        {"member": "who", "since": "2026-01-01"},
    ):
        assert send(eve, "/breach", wrong).status_code == 400


def test_reading_the_log_is_logged_before_anything_is_read(browse: Browse, federation: PlayedFederation) -> None:
    """The reader sees their own entry on top; what was looked for is in it, and a refused reader leaves none."""
    rows = read_rows(browse("eve").get("/audit?actor=eve&action=audit.read").text)
    assert [row[2] for row in rows[1:]] == ["eve"]
    browse("fay").get("/audit")
    found = list(federation.hub.database.log.entries(federation.hub.database.connection, action=Action.AUDIT_READ))
    (event,) = (entry.to_event() for entry in found)
    assert (event.actor, dict(event.details)) == ("eve", {"searched.action": "audit.read", "searched.actor": "eve"})


def test_the_log_is_searched_by_action_actor_and_reference(browse: Browse, asked: dict[str, str]) -> None:
    eve = browse("eve")
    rows = read_rows(eve.get("/audit", query_string={"reference": asked["submitted"]}).text)
    assert [row[2] for row in rows[1:]] == ["cho", "ana", "ana"]
    rows = read_rows(eve.get("/audit?action=query.refused").text)
    assert [(row[2], row[4], row[5]) for row in rows[1:]] == [("node-302", "refused", asked["released"])]
    assert "No entry is like that" in eve.get("/audit?actor=nobody").text


@pytest.mark.parametrize(
    ("asked_for", "status"),
    [("action=nothing", 400), ("before=x", 400), ("before=-1", 400), ("actor=A123456789012", 422), ("before=0", 200)],
)
def test_a_search_that_makes_no_sense_is_refused(browse: Browse, asked_for: str, status: int) -> None:
    """A pupil's number is not taken even as something to look for: the search itself is logged."""
    response = browse("eve").get(f"/audit?{asked_for}")
    assert response.status_code == status
    assert "A123456789012" not in response.text


def test_pages_of_the_log_neither_skip_nor_repeat_an_entry(
    browse: Browse, asked: dict[str, str], federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though each page that is read adds an entry."""
    monkeypatch.setattr(log_page, "ENTRIES_SHOWN", 7)
    eve, path, seen = browse("eve"), "/audit", []
    while path:
        page = read_page(eve.get(path).text)
        seen += [int(cell.text) for cell in page.all("th") if cell.attributes["scope"] == "row"]
        path = next((link.attributes["href"] for link in page.all("a") if link.attributes.get("rel") == "next"), "")
    assert seen == list(range(seen[0], -1, -1))
    assert len(seen) > 14


def test_the_newest_checkpoint_covers_the_reading_itself(browse: Browse, federation: PlayedFederation) -> None:
    shown = read_page(browse("eve").get("/audit").text).all("pre")[0].text
    assert shown == federation.hub.database.log.latest_checkpoint(federation.hub.database.connection)


@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
def test_an_entry_that_is_no_event_is_shown_as_such(browse: Browse, federation: PlayedFederation) -> None:
    """A log that was tampered with can still be read, and says where."""
    eve = browse("eve")
    federation.hub.database.connection.execute("UPDATE audit_entries SET body = 'x' WHERE idx = 0")
    assert "This entry is not an event: verify the log." in eve.get("/audit").text
