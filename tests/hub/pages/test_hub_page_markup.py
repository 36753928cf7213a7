"""What every page of the hub owes a reader who listens, magnifies, or uses the keyboard alone (WCAG 2.2 AA)."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from flask import Flask, template_rendered

import federation.web
import hub
from hub.app import create_app
from tests.described import hold_answers
from tests.hub.made_up_copy import give_copy
from tests.hub.pages.conftest import Browse, ask_in_every_state, browse_at, send_form
from tests.hub.pages.kept_releases import find_release_id, keep_model, withdraw
from tests.hub.pages.page_reader import Element, PageReader, read_page
from tests.hub.played_federation import SQL, PlayedFederation, found_federation

KIT_TEMPLATES = Path(federation.web.__path__[0]) / "templates"
HUB_TEMPLATES = Path(hub.__path__[0]) / "templates"
COUNTED = "SELECT sex, COUNT(*) AS n FROM child_year WHERE academic_year = 202425 AND counted_here GROUP BY sex"
"""A question that noise can be added to."""

PARTS = {"kit/layout.html", "kit/components.html", "parts.html", "budget.html", "release_page.html"}
PARTS |= {"question_check.html", "tables.html", "kit/report.html"}
"""Templates that pages are made of, and that are no page by themselves."""


FORMS = ("asking", "asking again", "asking without a project", "asking, refused", "asking, empty")
SCRIPTS = {
    "sign in": ["/assets/sign-in.js"],
    **{name: ["/assets/asking.js"] for name in FORMS},
    **{name: ["/assets/following.js"] for name in ("draft", "submission", "running")},
}
"""The one script of each page that has any."""


def list_templates() -> set[str]:
    """The names of all templates of pages."""
    folders = (KIT_TEMPLATES, HUB_TEMPLATES)
    return {path.relative_to(folder).as_posix() for folder in folders for path in folder.rglob("*.html")} - PARTS


@dataclass(frozen=True)
class Visit:
    """What somebody saw who went to every page: its HTML by its name, and the templates that it was made of."""

    pages: dict[str, str]
    templates: set[str | None]


@pytest.fixture(scope="module")
def visit(shared_storage: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """A visit to a hub of the module's own. What the tests look at is the HTML alone."""
    federation = found_federation(tmp_path_factory.mktemp("hub"), database=shared_storage)
    app = hold_answers(create_app(federation.hub), "hub")
    rendered: set[str | None] = set()

    def note(sender: Flask, template: object, **context: object) -> None:
        rendered.add(getattr(template, "name", None))

    with template_rendered.connected_to(note, app):
        yield Visit(visit_every_page(federation, app, tmp_path_factory.mktemp("copy")), rendered)
    federation.hub.close()


@pytest.fixture
def every_page(visit: Visit) -> dict[str, str]:
    """The HTML of every page, in every form that a visitor may meet it in, by a name for it."""
    return visit.pages


def visit_every_page(federation: PlayedFederation, app: Flask, place: Path) -> dict[str, str]:
    """Go to every page of a hub where queries in every state are; made-up nodes have their state in `place`."""
    browse, asked = browse_at(app, federation), ask_in_every_state(federation)
    ana, eve, dev, nobody = browse("ana"), browse("eve"), browse("dev"), browse("")
    why = {"project": "attendance", "purpose": "Why", "academic_year": "202425", "preset": "ons_10_5"}
    good = {**why, "path": "per_authority", "sql": SQL}
    give_copy(federation.hub.party.directory, place)
    again = federation.answer(federation.start(), "node-301", "node-302", "node-303")
    withdrawn = find_release_id(federation, again)
    withdraw(federation, again)
    responses = {
        "home": nobody.get("/"),
        "home, signed in": ana.get("/"),
        "home, officer": eve.get("/"),
        "sign in": nobody.get("/sign-in"),
        "catalogue": nobody.get("/catalogue"),
        "child_year": nobody.get("/catalogue/child_year"),
        "pupil_year": nobody.get("/catalogue/pupil_year"),
        "catalogue, one factor": nobody.get("/catalogue?factor=attendance"),
        "child_year, one factor": nobody.get("/catalogue/child_year?factor=attendance"),
        "exclusions, no such factor": nobody.get("/catalogue/exclusions?factor=SDQ+score"),
        "nodes": eve.get("/nodes"),
        "projects": ana.get("/projects"),
        "no projects": browse("bea").get("/projects"),
        "project": ana.get("/projects/attendance"),
        "agreement": ana.get("/projects/attendance/data-sharing-agreement"),
        "assessment": ana.get("/projects/attendance/impact-assessment"),
        "record": ana.get("/projects/attendance/article-30-record"),
        "queries": ana.get("/queries"),
        "no queries": browse("bea").get("/queries"),
        "asking": ana.get("/queries/new"),
        "asking without a project": browse("bea").get("/queries/new"),
        "asking, refused": send_form(ana, "/queries/new", {**good, "sql": "SELECT sexx FROM child_year"}),
        "asking, empty": send_form(ana, "/queries/new", {}),
        "asking, reviewed": send_form(ana, "/queries/new", good),
        "asking, warned": send_form(ana, "/queries/new", {**good, "sql": "SELECT COUNT(*) AS n FROM child_year"}),
        "asking, priced": send_form(ana, "/queries/new", {**good, "path": "noisy_sum", "sql": COUNTED}),
        "asking again": ana.get(f"/queries/new?again={asked['released']}"),
        "tried": send_form(ana, "/queries/new", {**good, "step": "try"}),
        "tried, a total": send_form(ana, "/queries/new", {**good, "step": "try", "path": "noisy_sum"}),
        "reports": ana.get("/reports"),
        "report": ana.get("/reports/virtual-school?place=authority:301"),
        "factor against a result": ana.get("/reports/ask"),
        "factor against a result, put together": ana.get("/reports/ask?measure=absence&by=sex&year=202425"),
        "compared": ana.get(f"/compare?first={asked['released']}&second={again}"),
        "to be compared": ana.get("/compare"),
        "nothing to compare": browse("bea").get("/compare"),
        "to be compared, by an id": browse("bea").get(f"/compare?first={asked['released']}"),
        "cited": nobody.get(f"/releases/{asked['release']}"),
        "cited, withdrawn": nobody.get(f"/releases/{withdrawn}"),
        "draft": ana.get(f"/queries/{asked['drafted']}"),
        "submission": dev.get(f"/queries/{asked['submitted']}"),
        "running": ana.get(f"/queries/{asked['running']}"),
        "released": ana.get(f"/queries/{asked['released']}"),
        "release": ana.get(f"/queries/{asked['released']}/release"),
        "release of a model": ana.get(f"/queries/{keep_model(federation)}/release"),
        "audit": eve.get("/audit"),
        "audit, nothing found": eve.get("/audit?actor=nobody"),
        "breach": eve.get("/breach"),
        "breach, nothing said": send_form(eve, "/breach", {}),
        "breach, drilled": send_form(eve, "/breach", {"member": "ana", "since": "2020-01-01"}),
        "not found": nobody.get("/nowhere"),
        "not allowed": ana.get("/audit"),
    }
    return {name: response.text for name, response in responses.items()}


def test_every_template_is_one_of_these_pages(visit: Visit) -> None:
    """A page that is added without standing in `every_page` fails here."""
    assert visit.templates == list_templates()


def read_template(name: str) -> str:
    return ((KIT_TEMPLATES if name.startswith("kit/") else HUB_TEMPLATES) / name).read_text()


@pytest.mark.parametrize("name", sorted(list_templates()))
def test_every_template_fills_the_frame(name: str) -> None:
    """The frame has language, skip link and landmarks; a page fills in its title and its heading."""
    text = read_template(name)
    if '{% extends "release_page.html" %}' in text:
        text += read_template("release_page.html")
    assert '{% extends "kit/layout.html" %}' in text
    assert "{% block title %}" in text
    assert text.count("<h1 ") == 1


def pages(every_page: dict[str, str]) -> Iterator[tuple[str, PageReader]]:
    for name, html in every_page.items():
        yield name, read_page(html)


def test_every_page_has_a_language_a_title_one_heading_and_landmarks(every_page: dict[str, str]) -> None:
    titles = set()
    for name, page in pages(every_page):
        assert page.all("html")[0].attributes["lang"] == "en-GB", name
        assert page.all("title")[0].text.endswith("- The federation's hub - Circe"), name
        assert len(page.all("h1")) == 1, name
        assert page.all("h1")[0].text.strip(), name
        assert [len(page.all(tag)) for tag in ("header", "main", "footer")] == [1, 1, 1], name
        titles.add(page.all("title")[0].text)
    assert len(titles) > len(every_page) * 2 / 3


def test_the_first_thing_on_every_page_is_the_skip_link(every_page: dict[str, str]) -> None:
    for name, page in pages(every_page):
        first = page.all("a")[0]
        assert first.attributes["href"] == "#main", name
        assert page.all("main")[0].attributes["id"] == "main", name


def test_headings_go_down_one_level_at_a_time(every_page: dict[str, str]) -> None:
    for name, page in pages(every_page):
        levels = [int(heading.tag[1]) for heading in page.all("h1", "h2", "h3", "h4") if not in_summary(heading)]
        assert levels[0] == 1, name
        assert all(after <= before + 1 for before, after in pairwise(levels)), name


def in_summary(heading: Element) -> bool:
    """The error summary stands above the page's own heading."""
    return any(element.attributes.get("class") == "govuk-error-summary" for element in heading.inside)


def test_ids_are_unique_and_references_lead_somewhere(every_page: dict[str, str]) -> None:
    for name, page in pages(every_page):
        ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
        assert len(ids) == len(set(ids)), name
        for element in page.elements:
            for attribute in ("for", "aria-describedby", "aria-labelledby"):
                assert set(element.attributes.get(attribute, "").split()) <= set(ids), (name, attribute)
            target = element.attributes.get("href", "")
            assert not target.startswith("#") or target[1:] in ids, (name, target)


def test_every_field_has_a_label_and_every_button_a_text(every_page: dict[str, str]) -> None:
    for name, page in pages(every_page):
        labelled = {label.attributes["for"] for label in page.all("label") if label.text.strip()}
        for control in page.all("input", "select", "textarea"):
            if control.attributes.get("type") != "hidden":
                assert control.attributes["id"] in labelled, (name, control.attributes)
        assert all(button.text.strip() for button in page.all("button", "a", "summary")), name
        assert all(group.text.strip() for group in page.all("legend")), name


def test_every_table_has_a_caption_and_every_head_cell_a_scope(every_page: dict[str, str]) -> None:
    for name, page in pages(every_page):
        assert len(page.all("table")) == len([caption for caption in page.all("caption") if caption.text.strip()]), name
        assert all(cell.attributes["scope"] in ("col", "row") for cell in page.all("th")), name


def test_every_post_form_carries_a_token(every_page: dict[str, str]) -> None:
    for name, page in pages(every_page):
        tokens = [field for field in page.all("input") if field.attributes.get("name") == "form_token"]
        holders = [next(element for element in reversed(token.inside) if element.tag == "form") for token in tokens]
        assert holders == [form for form in page.all("form") if form.attributes["method"] == "post"], name


def test_no_page_has_a_script_a_style_or_an_address_of_anybody_else(every_page: dict[str, str]) -> None:
    """But for our own script files, on the pages that have one."""
    for name, page in pages(every_page):
        scripts = [script.attributes["src"].partition("?")[0] for script in page.all("script")]
        assert scripts == SCRIPTS.get(name, []), name
        assert not page.all("style", "iframe", "object", "embed"), name
        for element in page.elements:
            assert "style" not in element.attributes, name
            assert not [attribute for attribute in element.attributes if attribute.startswith("on")], name
            for attribute in ("href", "src", "action"):
                assert "//" not in element.attributes.get(attribute, ""), name


def test_errors_lead_from_the_summary_to_their_fields(every_page: dict[str, str]) -> None:
    page = read_page(every_page["asking, empty"])
    links = [link.attributes["href"] for link in page.all("a") if any(map(in_error, (link, *link.inside)))]
    assert links == ["#project", "#purpose", "#academic_year", "#preset", "#sql"]
    for field_name in ("purpose", "academic_year", "sql"):
        (control,) = [element for element in page.elements if element.attributes.get("id") == field_name]
        assert control.attributes["aria-invalid"] == "true"
        assert f"{field_name}-error" in control.attributes["aria-describedby"]
    assert page.all("title")[0].text.startswith("Error: ")


def in_error(element: Element) -> bool:
    return element.attributes.get("class") == "govuk-error-summary"


def test_no_page_claims_to_be_the_governments_own(every_page: dict[str, str]) -> None:
    """The crown, the crest, the GOV.UK logo and its typeface are for services on its own domains."""
    css = (Path(federation.web.__path__[0]) / "assets" / "circe.css").read_text()
    assert "GDS Transport" not in css
    assert "@font-face" not in css
    assert not any("GOV.UK" in html or "crown" in html.lower() for html in every_page.values())


def test_a_page_without_anything_asked_says_so(browse: Browse, federation: PlayedFederation) -> None:
    assert "There are no queries that you may see" in browse("ana").get("/queries").text
    assert "There are none yet" in browse("ana").get("/").text
