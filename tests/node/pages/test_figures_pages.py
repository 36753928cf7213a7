"""The page of figures: for those who get no records, what stands beside ours, and what is said plainly."""

import re

import pytest
from flask import Flask

from audit.event import Action, Outcome
from audit.log import read_entries
from federation.hub_line import HubUnreachable
from federation.state import StateError
from node.figures.declared import load_declared
from node.pages import through_hub
from node.service import Node
from node.setting_up import enter_person
from node.vault import read_vault
from tests.every_role import last_day
from tests.node.pages.conftest import Browse, Send

ASKED = {"measure": "placements", "by": "", "year": "202425", "whose": "authority", "purpose": "Annual report"}


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def of_schools(node: Node) -> list[int]:
    """The schools of our children, the largest first."""
    snapshot = node.store.current()
    assert snapshot is not None
    sql = """SELECT school_urn FROM children WHERE academic_year = 202425 AND school_urn IS NOT NULL
        GROUP BY ALL ORDER BY count(*) DESC, school_urn"""
    return [int(urn) for (urn,) in read_vault({"children": snapshot.identified["children"]}, sql)]


def test_a_director_sees_counts_a_share_and_england_beside_it(browse: Browse, send: Send) -> None:
    answer = send(browse("director"), "/figures", ASKED)
    assert answer.status_code == 200
    text = plain(answer.text)
    assert "Three or more placements in the year" in text
    assert "Purpose: Annual report" in text
    assert re.search(r"England 10% Published for 2024/25, of all children in care on 31 March", text)
    assert "not yet released" in text
    assert "these are not one" in text


@pytest.mark.parametrize("by", ["", *(each.name for each in load_declared().breakdown)])
def test_every_breakdown_has_a_page(browse: Browse, send: Send, by: str) -> None:
    answer = send(browse("director"), "/figures", {**ASKED, "by": by})
    assert answer.status_code == 200
    # So few have support in a small federation that nothing of it is shown, and the page says so.
    assert answer.text.count('scope="row"') >= 3 or "Nothing can be shown" in answer.text


@pytest.mark.parametrize(("by", "words"), [("sex", ("Male", "Female")), ("sen_provision", ("SEN support", "EHC plan"))])
def test_categories_are_read_as_words(browse: Browse, send: Send, by: str, words: tuple[str, ...]) -> None:
    """No code of a return, and no name of a column, stands where people read."""
    page = plain(send(browse("director"), "/figures", {**ASKED, "by": by}).text)
    assert all(word in page for word in words)


def test_every_figure_can_be_chosen(browse: Browse) -> None:
    page = browse("director").get("/figures").text
    assert all(f'value="{each.name}"' in page for each in load_declared().measure)


def test_nothing_of_what_was_asked_stands_in_an_address(browse: Browse, send: Send) -> None:
    client = browse("director")
    assert send(client, "/figures", ASKED).request.query_string == b""
    assert client.get("/figures?measure=absence&whose=authority").text.count("<table") == 0


def test_a_small_school_is_told_plainly(node: Node, browse: Browse, send: Send) -> None:
    answer = send(browse("director"), "/figures", {**ASKED, "school": str(of_schools(node)[-1])})
    assert answer.status_code == 200
    assert "Nothing can be shown." in plain(answer.text)
    assert "It says neither that there are some at this school nor that there are none." in plain(answer.text)


def test_a_teacher_sees_their_school_beside_the_authority_and_england(browse: Browse, send: Send) -> None:
    answer = send(browse("teacher"), "/figures", {**ASKED, "whose": "100001"})
    text = plain(answer.text)
    assert "Our children at school 100001" in text
    assert "All children in our care" in text
    assert "England 10%" in text


def test_a_trust_sees_its_schools_and_not_the_authority(node: Node, browse: Browse, send: Send) -> None:
    urns = of_schools(node)
    enter_person(node.party.directory, "trust", "academy_trust", "Trust", schools=urns[: len(urns) // 2])
    client = browse("trust")
    form = client.get("/figures").text
    assert 'value="own"' in form
    assert 'value="authority"' not in form
    text = plain(send(client, "/figures", {**ASKED, "whose": "own"}).text)
    assert f"Our children at your {len(urns) // 2} schools together" in text
    assert "All children in our care" not in text
    assert send(client, "/figures", ASKED).status_code == 403
    assert send(client, "/figures", {**ASKED, "school": str(urns[-1])}).status_code == 403


def test_an_inspector_of_schools_sees_theirs_beside_authority_and_england(
    node: Node, browse: Browse, send: Send
) -> None:
    urns = of_schools(node)
    enter_person(node.party.directory, "inspector", "school_inspector", "Inspector", schools=urns[:2], until=last_day())
    client = browse("inspector")
    form = client.get("/figures").text
    assert 'value="authority"' in form
    assert 'name="school"' not in form
    text = plain(send(client, "/figures", {**ASKED, "whose": str(urns[0])}).text)
    assert f"Our children at school {urns[0]}" in text
    assert "All children in our care" in text
    assert "England 10%" in text
    assert send(client, "/figures", {**ASKED, "school": str(urns[-1])}).status_code == 403
    assert client.get("/children").status_code == client.get("/tracking").status_code == 403
    assert send(client, "/figures", {**ASKED, "by": "sex"}).status_code == 200


def test_an_inspector_of_the_authority_sees_any_school_and_no_record(node: Node, browse: Browse, send: Send) -> None:
    enter_person(node.party.directory, "inspector", "authority_inspector", "Inspector", until=last_day())
    client = browse("inspector")
    assert 'name="school"' in client.get("/figures").text
    assert send(client, "/figures", {**ASKED, "school": str(of_schools(node)[-1])}).status_code == 200
    assert send(client, "/reports", shown="/reports").status_code != 403
    assert {client.get(path).status_code for path in ("/children", "/tracking", "/placed-here", "/audit")} == {403}


def test_an_inspector_of_schools_is_entered_with_them(node: Node) -> None:
    with pytest.raises(StateError, match="give each URN"):
        enter_person(node.party.directory, "inspector", "school_inspector", "Inspector")
    with pytest.raises(StateError, match="nobody else has"):
        enter_person(node.party.directory, "inspector", "authority_inspector", "Inspector", schools=[100001])


def test_a_trust_without_schools_has_no_page(node: Node, browse: Browse) -> None:
    enter_person(node.party.directory, "trust", "academy_trust", "Trust")
    client = browse("trust")
    assert client.get("/figures").status_code == 403
    assert "/figures" not in client.get("/").text


def test_every_page_that_shows_a_figure_is_logged_first(node: Node, browse: Browse, send: Send) -> None:
    send(browse("teacher"), "/figures", {**ASKED, "whose": "100001"})
    entries = read_entries(node.database.connection, action=Action.FIGURES_SHOWN)
    events = [entry.to_event() for entry in entries][::-1]
    assert [event.outcome for event in events] == [Outcome.INTENDED, Outcome.DONE] * 2
    assert [event.relationship for event in events] == ["school", "school", "home", "home"]


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"purpose": " "}, 400),
        ({"measure": "nothing"}, 400),
        ({"by": "school_type"}, 400),
        ({"year": ""}, 400),
        ({"year": "\uff12\uff10\uff12\uff14\uff12\uff15"}, 400),
        ({"year": "201415"}, 409),
        ({"whose": "own"}, 400),
        ({"school": "12"}, 400),
        ({"school": "100001", "by": "sex"}, 400),
    ],
)
def test_what_cannot_be_shown_is_said_on_the_form(
    browse: Browse, send: Send, wrong: dict[str, str], status: int
) -> None:
    answer = send(browse("director"), "/figures", {**ASKED, **wrong})
    assert answer.status_code == status
    assert "There is a problem" in answer.text
    assert "<table" not in answer.text


def test_releases_are_fetched_from_the_hub_and_from_nobody_else(
    browse: Browse, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the hub cannot be reached the page says so; no other node is ever asked."""

    def away(*_: object, **__: object) -> object:
        raise HubUnreachable("there is no hub here")

    monkeypatch.setattr(through_hub, "connect_party", away)
    answer = send(browse("director"), "/figures/releases", {}, shown="/figures")
    assert answer.status_code == 503


def test_a_node_that_has_loaded_nothing_says_so(app: Flask, node: Node, browse: Browse) -> None:
    client = browse("director")
    (node.store.root / "current").unlink()
    assert "Nothing is loaded yet" in client.get("/figures").text
