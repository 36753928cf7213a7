"""Projects: what a question may be, by whom, when and of what; and how a project is written down."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from disclosure_control.presets.shelf import SHIPPED
from federation.manifest import Path as LeavingPath
from federation.plans import derive_plan
from federation.project import DataItem, Person, Project, ProjectExceeded, ProjectInvalid, check_asked, check_consistent
from federation.project_file import Beginning, check_known, read_project, write_beginning
from query_engine.catalogue import load_catalogue
from tests.projects import make_project

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TODAY = NOW.date()

BY_SEX = "SELECT sex, COUNT(DISTINCT child) AS n FROM child_year WHERE academic_year = 202425 GROUP BY sex"
WITH_PLACEMENTS = (
    "SELECT c.sex, SUM(p.moves) AS n FROM child_year c JOIN (SELECT child, COUNT(*) AS moves FROM placement "
    "WHERE academic_year = 202425 AND placement_type = 'U6' GROUP BY child) p ON p.child = c.child "
    "WHERE c.academic_year = 202425 GROUP BY c.sex"
)
NEEDED = DataItem(table="child_year", columns=("academic_year", "child", "sex"))


def ask(project: Project, asker: str = "ana", preset: str = "ons_10_5", sql: str = BY_SEX, now: datetime = NOW) -> None:
    """Hold a question to a project."""
    check_asked(project, asker, preset, derive_plan(sql, LeavingPath.PER_AUTHORITY), now)


def test_what_was_agreed_may_be_asked() -> None:
    """The least that is needed, from the first day to the last; otherwise the refusals below prove nothing."""
    project = make_project(data_items=(NEEDED,), starts=TODAY, review=TODAY, ends=TODAY)
    ask(project)


@pytest.mark.parametrize(
    ("changes", "asked", "code"),
    [
        ({"starts": TODAY + timedelta(days=1)}, {}, "project_not_begun"),
        ({"ends": TODAY - timedelta(days=1)}, {}, "project_over"),
        ({}, {"asker": "bea"}, "not_in_project"),
        ({"people": (Person(member="ana", accredited_by="x", accredited_until=TODAY - timedelta(days=1)),)}, {},
         "accreditation_over"),
        ({}, {"preset": "dfe_cla"}, "preset_not_in_project"),
        ({"data_items": (DataItem(table="child_year", columns=("academic_year", "child")),)}, {}, "beyond_data_items"),
        ({"data_items": (DataItem(table="pupil_year", columns=NEEDED.columns),)}, {}, "beyond_data_items"),
    ],
    ids=["early", "late", "a stranger", "not accredited any more", "preset", "column", "column of another table"],
)  # fmt: skip
def test_what_was_not_agreed_may_not(changes: dict[str, object], asked: dict[str, str], code: str) -> None:
    with pytest.raises(ProjectExceeded) as raised:
        ask(make_project(**changes), **asked)  # type: ignore[arg-type]
    assert raised.value.code == code


@pytest.mark.parametrize("used", ["sex", "age", "key_stage"])
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT {0}, COUNT(*) AS n FROM child_year WHERE academic_year = 202425 GROUP BY {0}",
        "SELECT COUNT(*) FILTER (WHERE {0} IS NOT NULL) AS n FROM child_year WHERE academic_year = 202425",
        "SELECT COUNT(*) AS n FROM child_year WHERE academic_year = 202425 AND {0} IS NOT NULL",
    ],
    ids=["grouped", "counted", "filtered"],
)
def test_a_column_that_the_answer_depends_on_is_a_data_item(sql: str, used: str) -> None:
    """Wherever in the question it stands."""
    everything = tuple(load_catalogue().table("child_year").columns)
    without = DataItem(table="child_year", columns=tuple(each for each in everything if each != used))
    ask(make_project(), sql=sql.format(used))
    with pytest.raises(ProjectExceeded, match=f"child_year.{used}"):
        ask(make_project(data_items=(without,)), sql=sql.format(used))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"people": make_project(askers=("ana", "ana")).people}, "each person is listed once"),
        ({"presets": ("dfe_cla", "dfe_cla")}, "each preset is listed once"),
        ({"data_items": (NEEDED, NEEDED)}, "each data item is listed once"),
        ({"data_items": (DataItem(table="child_year", columns=("sex", "sex")),)}, "each column of child_year"),
        ({"review": date(2019, 1, 1)}, "reviewed no earlier than it starts"),
        ({"starts": date(2036, 1, 1)}, "reviewed no earlier than it starts"),
        ({"organisations": ()}, "no organisation is named as a controller"),
    ],
)
def test_a_project_that_contradicts_itself(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ProjectInvalid, match=words):
        check_consistent(make_project(**changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data_items": (DataItem(table="children", columns=("sex",)),)}, "no table children"),
        ({"data_items": (DataItem(table="child_year", columns=("shoe_size",)),)}, "no column shoe_size"),
        ({"presets": ("none_at_all",)}, "no preset of that name"),
    ],
)
def test_a_project_that_names_what_there_is_not(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ProjectInvalid, match=words):
        check_known(make_project(**changes), load_catalogue(), SHIPPED)  # type: ignore[arg-type]


# --- Files -----------------------------------------------------------------------------------------------------------

BEGINNING = Beginning(name="attendance", members=("ana@ucl", "bea"), title='Who misses "school", and why - \\ 1')


def write(path: Path, text: str) -> Path:
    file = path / "project.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_what_is_printed_to_begin_with_is_a_project(tmp_path: Path) -> None:
    """It can be read as it stands, says what was told, and agrees to every column of its tables, to be struck out."""
    catalogue = load_catalogue()
    beginning = replace(BEGINNING, tables=tuple(catalogue.tables))
    project = read_project(write(tmp_path, write_beginning(beginning, catalogue, TODAY)))
    with pytest.raises(ProjectInvalid, match=r"still to be filled in, .*: purpose, public_benefit, "):
        check_known(project, catalogue, SHIPPED)
    assert (project.title, [each.member for each in project.people]) == (BEGINNING.title, ["ana@ucl", "bea"])
    assert {item.table: set(item.columns) for item in project.data_items} == {
        name: set(table.columns) for name, table in catalogue.tables.items()
    }
    assert (project.starts, project.ends) == (TODAY, date(2027, 11, 23))


def test_a_leap_day_begins_a_year_too() -> None:
    assert "ends = 2029-02-28" in write_beginning(BEGINNING, load_catalogue(), date(2028, 2, 29))


@pytest.mark.parametrize("field", Project.__struct_fields__)
def test_a_file_without_a_field_says_which(tmp_path: Path, field: str) -> None:
    """No field of a project can be left out."""
    builtins = msgspec.to_builtins(make_project())
    del builtins[field]
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert(builtins, Project)


BROKEN: dict[str, tuple[Callable[[str], str], str]] = {
    "not TOML": (lambda text: text + "\n= 1", "not TOML"),
    "unknown field": (lambda text: 'colour = "blue"\n' + text, "colour"),
    "no date": (lambda text: text.replace("starts = 2026-11-23", 'starts = "soon"'), "starts"),
    "disguised": (lambda text: text.replace("public_benefit = ", 'public_benefit = "a\\u202eb" # '), "public_benefit"),
    "too long": (lambda text: text + "#" * 300_000, "at most"),
}


@pytest.mark.parametrize(("breaking", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_says_where(tmp_path: Path, breaking: Callable[[str], str], words: str) -> None:
    text = write_beginning(BEGINNING, load_catalogue(), TODAY)
    with pytest.raises(ProjectInvalid, match=words):
        read_project(write(tmp_path, breaking(text)))
