"""The papers of a project say what its document says, and leave open what a controller has to judge."""

import time
import tomllib
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from federation.commands.project import project as command
from federation.hub_line import current_time
from federation.papers.paper import TO_FILL_IN, Grid, Paper, Section, write_markdown
from federation.papers.words import SENSITIVITIES
from federation.papers.writing import write_papers
from federation.project import Organisation, Part, Project
from federation.project_file import Beginning
from query_engine.catalogue import load_catalogue
from tests.projects import make_project

PAPERS = {paper.slug: paper for paper in write_papers(make_project(), load_catalogue())}
EVERYWHERE = ("title", "purpose", "legal_gateway", "retention")


@pytest.mark.parametrize("slug", PAPERS)
@pytest.mark.parametrize("field", EVERYWHERE)
def test_every_paper_says_it(slug: str, field: str) -> None:
    told = f"What a test says of {field}"
    changed = make_project(**{field: told})
    paper = next(each for each in write_papers(changed, load_catalogue()) if each.slug == slug)
    assert told in write_markdown(paper)


@pytest.mark.parametrize("slug", PAPERS)
def test_how_sensitive_a_data_item_is_is_said_in_words(slug: str) -> None:
    text = write_markdown(PAPERS[slug])
    assert all(f"| {words} |" in text for words in SENSITIVITIES.values())
    assert not any(f"| {code} |" in text or f"| {code.replace('_', chr(92) + '_')} |" in text for code in SENSITIVITIES)


@pytest.mark.parametrize("field", sorted(set(Project.__struct_fields__) - {"name"}))
def test_no_field_is_in_no_paper(field: str) -> None:
    """What people wrote down once need not be written again; the name is a word for commands alone."""
    plain = "".join(map(write_markdown, PAPERS.values()))
    other = {
        "people": make_project(askers=("bea",)).people,
        "organisations": (),
        "data_items": (),
        "presets": ("dfe_cla",),
        "lawful_basis": ("another",),
        "most_epsilon_per_year": "2.5",
        "starts": date(2021, 2, 3),
        "ends": date(2034, 2, 3),
        "review": date(2029, 2, 3),
        "agreement": make_project().agreement.__class__(reference="another"),
    }.get(field, "another")
    changed = make_project(**{field: other})  # type: ignore[arg-type]
    assert "".join(map(write_markdown, write_papers(changed, load_catalogue()))) != plain


def test_what_a_controller_judges_is_left_open() -> None:
    """The assessment judges no risk, and the agreement is signed by nobody."""
    for slug, least in {"impact-assessment": 19, "data-sharing-agreement": 12}.items():
        assert write_markdown(PAPERS[slug]).count(TO_FILL_IN) >= least


def test_the_entry_of_the_record_has_each_letter_of_article_30() -> None:
    assert [section.heading[:3] for section in PAPERS["article-30-record"].sections] == [
        *(f"({letter})" for letter in "abcdefg"),
        "Gat",
    ]


def test_controllers_and_recipients_stand_at_their_letters() -> None:
    """A processor is a recipient, too (UK GDPR article 4(9))."""
    parts: tuple[Part, ...] = ("controller", "joint_controller", "processor", "recipient")
    named = tuple(Organisation(title=f"The {part}", part=part, contact="its officer") for part in parts)
    record = next(
        each
        for each in write_papers(make_project(organisations=named), load_catalogue())
        if each.slug == "article-30-record"
    )
    told = {
        section.heading[:3]: [row[0] for block in section.blocks if isinstance(block, Grid) for row in block.rows]
        for section in record.sections
        if section.heading[:3] in ("(a)", "(d)")
    }
    assert told == {"(a)": ["The controller", "The joint_controller"], "(d)": ["The processor", "The recipient"]}
    assert "but these" not in write_markdown(PAPERS["article-30-record"])


@pytest.mark.parametrize("slug", PAPERS)
def test_about_how_many_the_data_are_is_said_to_be_an_estimate(slug: str) -> None:
    """By published figures and the catalogue's, table by table; days are told as people write them."""
    text = write_markdown(PAPERS[slug])
    assert "by published figures and not by a count of records: 81,770 children" in text
    assert "- child_year: about 458 children of a middling authority in one academic year." in text
    assert "- pupil_year: about 59,000 pupils of a middling authority in one academic year." in text
    assert "Reviewed: 1 January 2030" in text


def test_nothing_that_people_wrote_is_markup() -> None:
    """A title cannot make a heading, a row, a link or HTML; a name with underscores stays as it is."""
    hostile = "# [a](b) | <script> *x* `y` _z_ \\"
    paper = Paper("x", hostile, (Section(hostile, (hostile, (hostile,), Grid(("child_year.sex",), ((hostile,),)))),))
    escaped = "\\# \\[a\\](b) \\| \\<script\\> \\*x\\* \\`y\\` \\_z\\_ \\\\"
    assert write_markdown(paper).splitlines() == [
        f"# {escaped}", "", f"## {escaped}", "", escaped, "", f"- {escaped}", "",
        "| child_year.sex |", "| --- |", f"| {escaped} |",
    ]  # fmt: skip


def fill_in(begun: str) -> str:
    """A file to begin with, in which somebody has written something wherever it asks for it."""
    for each in fields(Beginning):
        if isinstance(each.default, str) and " " in each.default:
            begun = begun.replace(f'"{each.default}"', f'"What a test says of {each.name}"')
    return begun


def test_from_a_file_to_papers(tmp_path: Path) -> None:
    """By the commands, as somebody would who opens a project."""
    runner = CliRunner()
    begun = runner.invoke(command, ["new", "--name", "attendance", "--title", "Attendance", "--member", "ana@ucl"])
    file = tmp_path / "attendance.toml"
    file.write_text(begun.output)
    for asked in (["check", str(file)], ["papers", str(file), "--out", str(tmp_path / "papers")]):
        refused = str(runner.invoke(command, asked).exception)
        assert refused.startswith("still to be filled in, as the file that it began with says: purpose, ")
        assert refused.endswith("incident_contact, agreement, accredited_by")
    file.write_text(fill_in(begun.output))
    checked = runner.invoke(command, ["check", str(file)])
    items = len(load_catalogue().table("child_year").columns)
    assert checked.output.startswith(f"attendance: 1 people, {items} data items, until ")
    written = runner.invoke(command, ["papers", str(file), "--out", str(tmp_path / "papers")])
    assert [Path(line).name for line in written.output.splitlines()] == [f"{slug}.md" for slug in PAPERS]
    assert all(Path(line).read_text().startswith("# ") for line in written.output.splitlines())


@pytest.mark.parametrize("zone", ["Etc/GMT-14", "Etc/GMT+12"])
def test_it_begins_on_the_day_that_the_hub_goes_by(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half the day one of these zones has another: a project of tomorrow's would be refused until midnight."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", zone)
        time.tzset()
        before = current_time().date()
        begun = CliRunner().invoke(command, ["new", "--name", "attendance", "--member", "ana@ucl"]).output
        after = current_time().date()
    time.tzset()
    assert tomllib.loads(begun)["starts"] in (before, after)


def test_a_table_that_there_is_not(tmp_path: Path) -> None:
    refused = CliRunner().invoke(command, ["new", "--name", "a", "--member", "ana", "--table", "children"])
    assert refused.exit_code == 2
    assert "no table children" in refused.output
