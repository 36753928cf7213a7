"""The pages of both sites are made of the GOV.UK Design System's components, without what is the government's alone."""

import json
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

import federation.web
import hub
import node
from tests.aligned import find_unaligned
from tests.heard import find_unheard

KIT = Path(federation.web.__path__[0])
ASSETS, SOURCES = KIT / "assets", KIT / "govuk"
SHEETS = [ASSETS / "govuk-frontend.css", ASSETS / "circe.css"]
SITES = {Path(hub.__path__[0]) / "templates", Path(node.__path__[0]) / "templates"}
TEMPLATES = sorted(path for folder in SITES | {KIT / "templates"} for path in folder.rglob("*.html"))

RESTRICTED = re.compile(r"crown|crest|royal|gds.?transport|@font-face|logotype|url\(", re.IGNORECASE)
"""What is for services on the government's own domains, and what a stylesheet would load it by."""

ATTRIBUTE = re.compile(r'class="([^"]*)"')
EXPRESSION = re.compile(r"{{-?(.*?)-?}}", re.DOTALL)
STATEMENT = re.compile(r"{%.*?%}|{#.*?#}", re.DOTALL)
TAG = re.compile(r"<([a-z]+[1-6]?)\b((?:{{.*?}}|{%.*?%}|[^>{]|{(?![{%]))*)>", re.DOTALL)
UNSTYLED = {"govuk-table__head", "govuk-table__body", "govuk-table__row"}
UNSTYLED |= {"govuk-template__header", "govuk-generic-header__container", "govuk-radios", "govuk-checkboxes"}
"""Classes of the Design System's markup that its stylesheet says nothing of."""

COMPONENTS = {"button", "caption", "details", "dl", "fieldset", "footer", "h1", "h2", "h3", "header", "input", "label"}
COMPONENTS |= {"legend", "main", "ol", "select", "summary", "table", "tbody", "td", "textarea", "th", "thead", "ul"}
"""Elements that have no look by themselves: the Design System gives them one by their class."""


def read_pages(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_nothing_that_is_the_governments_alone_is_kept_here() -> None:
    kinds = {path.suffix for path in ASSETS.iterdir()}
    assert kinds <= {".css", ".js", ".svg", ".txt"}, "no font, no picture of anybody else's"
    for path in (*SHEETS, *ASSETS.glob("*.svg"), *ASSETS.glob("*.js"), *TEMPLATES):
        assert RESTRICTED.findall(STATEMENT.sub("", read_pages(path))) == [], path.name


def test_the_stylesheet_is_of_the_version_that_is_asked_for_and_says_its_licence() -> None:
    wanted = json.loads(read_pages(SOURCES / "package.json"))["devDependencies"]
    locked = json.loads(read_pages(SOURCES / "package-lock.json"))["packages"]
    version = wanted["govuk-frontend"]
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    sheet = read_pages(ASSETS / "govuk-frontend.css")
    assert sheet.startswith(f"/*! GOV.UK Frontend {version}, MIT: see govuk-frontend.LICENSE.txt.")
    assert f'--govuk-frontend-version: "{version}"' in sheet
    assert "MIT License" in read_pages(ASSETS / "govuk-frontend.LICENSE.txt")
    assert "resolved" not in read_pages(SOURCES / "package-lock.json"), "the lock names no registry"


@cache
def defined_classes() -> set[str]:
    return {name for sheet in SHEETS for name in re.findall(r"\.([a-z][\w-]*)", read_pages(sheet))}


def spell_out(expression: re.Match[str]) -> str:
    """The classes that an expression of a template can give, with `*` for what it is only known later."""
    told = [part.strip() for part in re.split(r"\bif\b[^\"]*\belse\b|~", expression[1].split(" if ")[0] + " ")]
    if " else " in expression[1]:
        told = re.findall(r'"[^"]*"', expression[1])
        return " ".join(part.strip('"') for part in told)
    return "".join(part.strip('"') if part.startswith('"') else "*" for part in told)


def used_classes(template: str) -> set[str]:
    text = EXPRESSION.sub(spell_out, STATEMENT.sub("", template))
    return {name for value in ATTRIBUTE.findall(text) for name in value.split()} - {"*"}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_every_class_of_a_template_is_in_a_stylesheet(path: Path) -> None:
    defined = defined_classes() | UNSTYLED
    strange = {
        name for name in used_classes(read_pages(path)) if not any(fnmatchcase(known, name) for known in defined)
    }
    assert strange == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_every_element_that_needs_a_component_has_one(path: Path) -> None:
    bare = [
        found[0]
        for found in TAG.finditer(
            STATEMENT.sub(lambda part: "" if part[0].startswith("{#") else part[0], read_pages(path))
        )
        if found[1] in COMPONENTS and not re.search(r'class="|control\(', found[2]) and 'type="hidden"' not in found[2]
    ]
    assert bare == [], "give it the class of its component, or use the macro of the kit"


def test_a_bare_element_and_a_strange_class_are_found() -> None:
    """The two tests above see what they look for."""
    assert TAG.findall('<h2 id="a{{ b > c }}">') == [("h2", ' id="a{{ b > c }}"')]
    assert used_classes('<p class="a b-{{ c }}{{ " d" if e }}{{ " f-" ~ g }} {{ "h" if i else "j" }}">') == {
        "a", "b-*", "d", "f-*", "h", "j",
    }  # fmt: skip


def make_table(head: str, cells: Sequence[str], kind: str = "", head_kind: str | None = None) -> str:
    """A page with a table of two columns: letters, and this one."""
    rows = "".join(
        f'<tr><th>{letter}</th><td class="x{kind}">{cell}</td></tr>' for letter, cell in zip("abc", cells, strict=True)
    )
    top = f'<th>Letter</th><th class="govuk-table__header{kind if head_kind is None else head_kind}">{head}</th>'
    return f"<table><thead><tr>{top}</tr></thead><tbody>{rows}</tbody></table>"


RIGHT = " govuk-table__header--numeric"


@pytest.mark.parametrize(
    ("page", "faults"),
    [
        (make_table("Lookups", ["1", "2,000", "c"]), 1),
        (make_table("Share", ["1.5%", "20 to 30%", "-"]), 1),
        (make_table("Lookups", ['1 <span class="note">of late</span>', "2", "3"]), 1),
        (make_table("Lookups", ["1", "2", "3"], RIGHT, ""), 2),
        (make_table("Lookups", ["1", "2", "3"], "", RIGHT), 1),
        (make_table("Lookups", ["1", "2", "3"], RIGHT), 0),
        (make_table("Entry", ["1", "2", "3"]), 0),
        (make_table("What", ["1", "two", "3"]), 0),
        (make_table("Share", ["c", "-", "c"]), 0),
    ],
)
def test_a_column_of_numbers_that_is_not_to_the_right_is_found(page: str, faults: int) -> None:
    """Every page that a test of hub or node sees is looked through for them (`tests.described`)."""
    assert len(list(find_unaligned(page))) == faults


@pytest.mark.parametrize(
    ("page", "faults"),
    [
        ('<p id="a">x</p><p id="a">y</p>', 1),
        ('<input id="a" aria-describedby="a-hint a-error"><p id="a-hint">x</p>', 1),
        ('<div class="govuk-error-summary"><ul><li><a href="#a">x</a></li></ul></div>', 1),
        ('<div class="govuk-error-summary"><ul><li><a href="#a">x</a></li></ul></div><input id="a">', 1),
        ('<div class="govuk-error-summary"><ul><li><a href="#a">x</a></li></ul></div><h1 id="a">', 0),
        ('<div class="govuk-error-summary"><a href="#a">x</a></ul></div><input id="a"><p id="a-error">x</p>', 0),
        ("<p>x <form></form></p>", 1),
        ("<p>x</p> <form></form>", 0),
        ('<th scope="col"></th><select><option value=""> </option></select>', 2),
        ('<th scope="col"><span>Change</span></th><select><option value="">None</option></select>', 0),
    ],
)
def test_what_a_listener_would_miss_is_found(page: str, faults: int) -> None:
    """Every page of a node that a test sees is looked through for it, too."""
    assert len(list(find_unheard(page))) == faults


def test_every_page_is_in_the_one_frame() -> None:
    """A template that no other takes parts from is a page, and a page extends the frame, at once or through another."""
    for folder in SITES:
        texts = {path.relative_to(folder).as_posix(): read_pages(path) for path in folder.rglob("*.html")}
        parts = {name for text in texts.values() for name in re.findall(r'{% (?:import|from) "([^"]+)"', text)}
        for name in set(texts) - parts - {"question_check.html"}:
            frame = name
            while frame in texts:
                (frame,) = re.findall(r'{% extends "([^"]+)" %}', texts[frame])
            assert frame == "kit/layout.html", name
