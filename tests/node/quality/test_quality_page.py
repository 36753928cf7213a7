"""The page and the CSV of `circe node quality`: everything an officer needs to mend returns, and nothing of a pupil."""

import base64
import csv
import hashlib
import stat
from itertools import pairwise

import pytest

from node.ingest.formats import load_formats
from node.ingest.rules import load_rules
from node.quality.advice import load_advice
from node.quality.rules import load_returns_rules
from tests.hub.pages.page_reader import PageReader, read_page
from tests.node.quality.conftest import READER, SmallNode

UPN, OTHER, THIRD = "B801200005001", "H801200005012", "A801200005099"
NAME = "<b>Ash & Elm</b> School"


@pytest.fixture
def returned(small_node: SmallNode) -> SmallNode:
    """A return and a census that differ, at a school of the register, at one that is not in it, and in the load."""
    small_node.load(
        header=f"""
            CHILD | UPN     | DOB
            77    | {UPN}   | 01/01/2010
            88    | {OTHER} | 05/05/2011
            99    |         | 06/06/2012""",
        episodes="CHILD\n77\n88\n99",
        spring_pupilonroll=f"""
            pupilonrolltableid | upn     | NativeId | dob                  | surname | forename
            r1                 | {THIRD} | SCH1     | 2009-Mar-03 00:00:00 | Ash     | Robin
            r1                 | {THIRD} | SCH1     | 2009-Mar-03 00:00:00 | Ash     | Robin
            r2                 | {UPN}   | SCH7     | 2010-Feb-01 00:00:00 | Elm     | Wren""",
        spring_schoolcensus="NativeId | urn\nSCH7 | 100007",
        spring_fsmperiod="""
            pupilonrolltableid | fsmstartdate         | fsmenddate
            r2                 | 2024-Sep-01 00:00:00 | 2023-Sep-01 00:00:00""",
        edubase=f"URN | LA (code) | EstablishmentNumber | EstablishmentName\n100007 | 302 | 4001 | {NAME}",
    )
    return small_node


def make_page(node: SmallNode) -> str:
    output = node.directory / "quality.html"
    assert node.say("quality", *READER, "--page", output) == ""
    return output.read_text()


@pytest.fixture
def page(returned: SmallNode) -> PageReader:
    return read_page(make_page(returned))


def read_section(page: PageReader, first: str, last: str) -> str:
    """The text from one heading of the second level to another."""
    text = page.all("body")[0].text
    return text[text.rindex(first) : text.rindex(last)]


def test_findings_are_grouped_by_school(page: PageReader) -> None:
    """Named as the register names it and told of first where it has a child of ours; with what to do, and where."""
    section = read_section(page, "Schools to ring about our children", "Schools to ring about other pupils")
    headings = [heading.text for heading in page.all("h3")]
    assert headings[:2] == [NAME, "School SCH1"]
    assert "URN 100007; Barnet; SCH7 in the return" in section
    rule = load_returns_rules()["date_of_birth_differs"]
    for words in (rule.text, rule.action, "Affects: School Census or SSDA903 return", "For the authority to correct"):
        assert words in " ".join(section.split())
    assert "Child 77 2025_spring_pupilonroll.csv, row 4" in " ".join(section.split())


def test_a_school_is_one_whatever_the_returns_call_it(returned: SmallNode) -> None:
    """The census has its own name for it, and the virtual school's record its reference number: one call will do."""
    returned.load(
        admissions="la_child_id | request_date | on_roll_date | school_urn\n77 | 01/01/2025 | 01/03/2025 | 100007"
    )
    page = read_page(make_page(returned))
    assert [heading.text for heading in page.all("h3")].count(NAME) == 1
    section = read_section(page, "Schools to ring about our children", "Schools to ring about other pupils")
    assert "URN 100007; Barnet; SCH7 in the return" in section
    for rule in ("date_of_birth_differs", "slow_admission"):
        assert load_returns_rules()[rule].text in " ".join(section.split())


def test_findings_without_a_school_are_the_authoritys_own(page: PageReader) -> None:
    section = " ".join(read_section(page, "For the authority itself", "What the loads found").split())
    assert load_returns_rules()["number_unknown_though_of_school_age"].text in section
    assert "Child 99 header.csv, row 4" in section
    assert "2025_spring_fsmperiod.csv, row 2" in section


def test_every_rule_of_the_loads_is_explained_where_it_was_broken(page: PageReader) -> None:
    """What it means, what to do, which return, how many rows of how many, and which."""
    section = " ".join(read_section(page, "What the loads found", "Every file and its rows").split())
    assert "2025_spring_fsmperiod.csv fsmperiod, 202425-spring: 1 rows. Affects: School Census." in section
    assert load_rules()["end_before_start"].text in section
    assert load_advice().actions["end_before_start"] in section
    assert "Not loaded 1 of 1 rows Row 2" in section
    assert "header.csv Header, 202425: 3 rows. Affects: SSDA903 return." in section


def test_every_file_is_counted(page: PageReader) -> None:
    (files,) = [table for table in page.all("table") if "what became of their rows" in table.text]
    assert "2025_spring_pupilonroll.csv pupilonroll, 202425-spring 3 2 1 " in " ".join(files.text.split()) + " "


def test_readiness_and_the_rules_kept_are_there(page: PageReader) -> None:
    text = " ".join(page.all("body")[0].text.split())
    assert "of the 17 factors" in text
    assert "Files that would help most next" in text
    assert load_returns_rules()["suspended_beyond_the_limit"].text in read_section(
        page, "Rules that found nothing", "Made by Circe"
    )


def test_the_page_says_for_whom_and_why_it_was_made(page: PageReader) -> None:
    text = " ".join(page.all("body")[0].text.split())
    assert "for Virtual school head (vsh): Correcting the summer census." in text
    assert "Node of Camden" not in text
    assert "Node of Barking and Dagenham" in text


@pytest.mark.parametrize("option", ["--page", "--csv"])
def test_no_number_name_or_date_of_a_child_is_shown(option: str, returned: SmallNode) -> None:
    """The authority's own number of a child, and the place of the row, are enough to find it."""
    output = returned.directory / "file"
    returned.say("quality", *READER, option, output)
    shown = output.read_text()
    assert "date_of_birth_differs".replace("_", "_<wbr>" if option == "--page" else "_") in shown
    for value in (UPN, OTHER, THIRD, "Robin", "Wren", "2009", "2010", "01/01"):
        assert value not in shown


@pytest.mark.parametrize("option", ["--page", "--csv"])
def test_the_file_is_its_owners_alone(option: str, returned: SmallNode) -> None:
    """Also where a file that others could read was there before; nothing half-written is left beside it."""
    output = returned.directory / "file"
    output.touch(mode=0o644)
    before = set(returned.directory.iterdir())
    returned.say("quality", *READER, option, output)
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    assert set(returned.directory.iterdir()) == before


def test_the_csv_has_every_file_and_rule_with_its_rows(returned: SmallNode) -> None:
    output = returned.directory / "quality.csv"
    returned.say("quality", *READER, "--csv", output)
    with output.open(newline="") as stream:
        rows = {(row["check"], row["file"], row["rule"]): row for row in csv.DictReader(stream)}
    load = rows["load", "2025_spring_fsmperiod.csv", "end_before_start"]
    assert (load["rows"], load["of"], load["row_numbers"], load["severity"]) == ("1", "1", "2", "rejected")
    found = rows["returns", "2025_spring_pupilonroll.csv", "date_of_birth_differs"]
    assert (found["rows"], found["of"], found["row_numbers"], found["mender"]) == ("1", "3", "4", "authority")
    assert found["period"] == "202425-spring"
    assert all(row["text"] and row["action"] and row["affects"] for row in rows.values())


def test_a_school_cannot_write_into_the_page(returned: SmallNode) -> None:
    """Names of schools are others' own words: their markup is shown, not followed."""
    html = make_page(returned)
    assert NAME not in html
    assert "&lt;b&gt;Ash &amp; Elm&lt;/b&gt; School" in html


def test_the_page_needs_nothing_else_and_runs_nothing(page: PageReader) -> None:
    """No script, no address but its own places, and a policy that lets a browser use its one stylesheet alone."""
    assert not page.all("script", "link", "img", "iframe", "object", "embed", "form")
    for element in page.elements:
        assert "style" not in element.attributes
        assert not [name for name in element.attributes if name.startswith("on")]
        assert element.attributes.get("href", "#").startswith("#")
    (style,) = page.all("style")
    assert "url(" not in style.text
    assert "@import" not in style.text
    (policy,) = [element for element in page.all("meta") if "http-equiv" in element.attributes]
    digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
    assert policy.attributes["content"] == f"default-src 'none'; style-src 'sha256-{digest}'"


def test_the_page_can_be_listened_to(page: PageReader) -> None:
    """WCAG 2.2 AA: a language, headings in order, captions, head cells with a scope, and links that lead somewhere."""
    assert page.all("html")[0].attributes["lang"] == "en-GB"
    levels = [int(heading.tag[1]) for heading in page.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.all("table")
    assert len(page.all("table")) == len([caption for caption in page.all("caption") if caption.text.strip()])
    assert all(cell.attributes["scope"] in ("col", "row") for cell in page.all("th"))
    ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    assert {link.attributes["href"][1:] for link in page.all("a")} <= set(ids)
    assert page.all("a")[0].attributes["href"] == "#main"


def test_a_node_with_nothing_wrong_says_so(small_node: SmallNode) -> None:
    """Every section is there and says that there is nothing in it."""
    small_node.load(oc3="CHILD | DOB\n66 | 01/01/2005", header="CHILD | UPN | DOB\n66 | UN2 | 01/01/2005")
    text = " ".join(read_page(make_page(small_node)).all("body")[0].text.split())
    assert "No school's return has a finding about one of our children." in text
    assert "There is no finding that names no school." in text
    assert "No row of the files in use breaks a rule of the load." in text


def test_there_is_advice_on_every_rule_and_every_kind_of_file() -> None:
    """And none on what is no rule: the lists are held together."""
    assert set(load_advice().actions) == set(load_rules())
    assert {table.family for table in load_formats().values()} | {"unknown"} == set(load_advice().affects)
    assert all(rule.affects for rule in load_returns_rules().values())
