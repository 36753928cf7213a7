"""Mapped CSV: any export, read by a small TOML; a mistake in the TOML is one clear sentence."""

import csv
from collections.abc import Mapping
from pathlib import Path

import pytest

from node.ingest.formats import load_formats
from node.ingest.load import load_files
from node.ingest.mapping import MappingInvalid, load_mapping, shipped_mappings
from node.ingest.sources import LoadRefused
from node.snapshots import SnapshotStore
from tests.node.ingest.conftest import Judge
from tests.node.ingest.small_returns import TOKEN_KEY, clock, judge_files, query

UPN = "B801200005001"
OURS = """
table = "pep_reviews"
date_format = "%d %B %y"
identified_by = ["Pupil", "PEP held"]

[columns]
upn = "Pupil"
term = "When"
meeting_date = "PEP held"
quality = "RAG"
sdq_strategies = "SDQ used?"

[codes.quality]
"Very good" = "good"

[codes.sdq_strategies]
Partly = "yes"

[constants]
completed_date = "01 March 25"
"""
EXPORT = (
    "Ref,Pupil,PEP held,When,RAG,SDQ used?\n"
    f"1,{UPN},14 February 25,Spring 2025,Very good,partly\n"
    f"2,{UPN},15 February 25,,red,no\n"
    f"3,{UPN},15/02/2025,Spring 2025,Meh,yes\n"
)


def _mapping(directory: Path, text: str) -> Path:
    path = directory / "ours.toml"
    path.write_text(text)
    return path


def test_a_mapping_says_which_column_is_which(tmp_path: Path, store: SnapshotStore) -> None:
    (tmp_path / "export.csv").write_text(EXPORT)
    report = load_files(
        [tmp_path / "export.csv"],
        store=store,
        authority="301",
        token_key=TOKEN_KEY,
        mappings=[_mapping(tmp_path, OURS)],
        clock=clock,
    )
    (file,) = report.files
    assert (file.table, file.period, file.rows_loaded) == ("pep_reviews", "202425-spring", 3)
    assert file.locators == {"bad_optional_date": (4,), "unknown_code": (4,)}
    current = store.current()
    assert current is not None
    rows = query(
        f"FROM '{current.staged}/pep_reviews-202425-spring.parquet' SELECT term, meeting_date::VARCHAR, "
        "completed_date::VARCHAR, quality, sdq_strategies ORDER BY quality"
    )
    assert rows == [
        ("202425-spring", "2025-02-14", "2025-03-01", "good", True),
        (None, "2025-02-15", "2025-03-01", "poor", False),
        ("202425-spring", None, "2025-03-01", None, True),
    ]


SHIPPED: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "epep_like.toml": (
        "Pupil UPN,Child Reference,PEP Term,Meeting Date,PEP Completed,Quality Rating,SDQ Strategies\n"
        f"{UPN},77,Autumn 2024,14/11/2024,20/11/2024,Partly meets standard,Yes\n",
        {"term": "202425-autumn", "meeting_date": "2024-11-14", "quality": "acceptable", "sdq_strategies": True},
    ),
    "attendance_like.toml": (
        f"UPN,Child Ref,Attendance Date,Session,Mark\n{UPN},77,14/11/2024,Morning,/\n",
        {"upn": UPN, "date": "2024-11-14", "session": "AM", "code": "/"},
    ),
    "targets_like.toml": (
        "Pupil UPN,Child Reference,PEP Term,Subject,Target Grade,Expected Grade,Ambition\n"
        f"{UPN},77,Autumn 2024,Maths,5,6,Below expected\n",
        {"term": "202425-autumn", "subject": "Maths", "target": "5", "expected": "6", "ambition": "below"},
    ),
    "support_like.toml": (
        "Pupil UPN,Child Reference,Intervention,Start Date,End Date,Cost (GBP),Target Subject\n"
        ",77,Tuition,14/11/2024,20/12/2024,450.50,Maths\n",
        {"la_child_id": "77", "kind": "Tuition", "cost": "450.5000", "target_subject": "Maths"},
    ),
    "admissions_like.toml": (
        f"Pupil UPN,Child Reference,Place Requested,On Roll,School URN\n{UPN},77,14/11/2024,20/12/2024,100001\n",
        {"request_date": "2024-11-14", "on_roll_date": "2024-12-20", "school_urn": 100001},
    ),
    "care_leaver_outcomes_like.toml": (
        "Child Reference,Recorded On,Age,Main Activity,Level 2 Reached,Level 3 Reached,In Touch,"
        "Accommodation Suitable\n"
        "77,14/11/2024,22,NEET,Yes,No,Yes,Yes\n",
        {"la_child_id": "77", "age": 22, "activity": "neet", "level2": True, "level3": False, "in_touch": "yes"},
    ),
    "children_in_need_like.toml": (
        "Pupil UPN,Person Reference,Born,Case Type,Case Started,Case Ended\n"
        f"{UPN},77,02/03/2010,Child protection plan,14/11/2024,\n",
        {"la_child_id": "77", "kind": "child_protection_plan", "need_start_date": "2024-11-14", "need_end_date": None},
    ),
    "kinship_like.toml": (
        "Pupil UPN,Person Reference,Born,Kinship Arrangement,Arrangement Started,Arrangement Ended\n"
        f"{UPN},77,02/03/2010,Private fostering,14/11/2024,20/12/2024\n",
        {"upn": UPN, "arrangement": "private_fostering", "kinship_end_date": "2024-12-20"},
    ),
}

MAPPED = {name for name, table in load_formats().items() if table.family in {"virtual_school", "social_care"}}
"""Tables that no supplier's layout is published of."""


def test_every_shipped_mapping_has_an_example_here() -> None:
    assert {mapping.name for mapping in shipped_mappings()} == set(SHIPPED)
    mapped = {mapping.table.name for mapping in shipped_mappings()}
    assert mapped == MAPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_mapping_is_recognised_by_its_headings(name: str, tmp_path: Path, store: SnapshotStore) -> None:
    text, expected = SHIPPED[name]
    (tmp_path / "export.csv").write_text(text, encoding="utf-8-sig")
    report = load_files([tmp_path / "export.csv"], store=store, authority="301", token_key=TOKEN_KEY, clock=clock)
    (file,) = report.files
    assert (file.table, file.rows_loaded, dict(file.rules)) == (load_mapping_named(name), 1, {})
    current = store.current()
    assert current is not None
    (path,) = current.staged.glob(f"{file.table}-*.parquet")
    ((*values,),) = query(f"FROM '{path}' SELECT {', '.join(expected)}")
    plain = (str, int, bool, type(None))
    assert [each if isinstance(each, plain) else str(each) for each in values] == list(expected.values())


def load_mapping_named(name: str) -> str:
    return next(mapping.table.name for mapping in shipped_mappings() if mapping.name == name)


@pytest.mark.parametrize("table", sorted(MAPPED))
def test_our_own_column_names_need_no_mapping(table: str, judge: Judge) -> None:
    header = ",".join(column.name for column in load_formats()[table].columns)
    assert judge(export=header + "\n")["export"].table == table


def test_a_mapping_that_was_asked_for_comes_before_every_table(tmp_path: Path) -> None:
    """Two systems may use one heading for two things."""
    (tmp_path / "export.csv").write_text("la_child_id,date,session,code,X\n7,14/11/2024,AM,/,15/11/2024\n")
    mapping = _mapping(
        tmp_path,
        'table = "admissions"\n[columns]\nla_child_id = "la_child_id"\nrequest_date = "X"\non_roll_date = "date"',
    )
    assert [each.table for each in judge_files([tmp_path / "export.csv"])] == ["attendance_daily"]
    assert [each.table for each in judge_files([tmp_path / "export.csv"], mappings=[mapping])] == ["admissions"]


def test_a_mapping_that_fits_no_file_refuses_the_load_and_says_what_is_lacking(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(EXPORT.replace("PEP held", "PEP date"))
    with pytest.raises(MappingInvalid, match=r"ours.toml: no file has its columns; the nearest lacks pep held"):
        judge_files([tmp_path / "export.csv"], mappings=[_mapping(tmp_path, OURS)])


def test_a_column_named_twice_cannot_be_mapped(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(EXPORT.replace("Ref,", "RAG,"))
    (report,) = judge_files([tmp_path / "export.csv"], mappings=[_mapping(tmp_path, OURS)])
    assert set(report.rules) == {"repeated_column"}


MISTAKES = {
    "not TOML": ("table =", "is not TOML"),
    "no table": ("[columns]\nupn = 'U'", "`table` must be one of"),
    "a table that is none": (OURS.replace("pep_reviews", "peps"), "`table` must be one of"),
    "a key that is none": ("colums = 1\n" + OURS, "'colums' is nothing that a mapping says"),
    "a column that is none": (OURS.replace("quality = ", "rag = "), "has no column 'rag'"),
    "a constant that is no column": (OURS.replace("completed_date =", "done ="), "has no column 'done'"),
    "a column twice": (OURS.replace("completed_date =", "term ="), "term is both a column and a constant"),
    "no text": (OURS.replace('"Pupil"\nterm', "7\nterm"), r"\[columns\] must give a text"),
    "no columns": ('table = "targets"', r"\[columns\] must name at least one heading"),
    "a required column lacking": ('table = "attendance_daily"\n[columns]\nupn = "U"', "cannot do without date"),
    "about nobody": ('table = "targets"\n[columns]\nterm = "T"', "rows are about nobody"),
    "headings that it does not map": (OURS.replace('["Pupil", ', '["Pupils", '), "names 'pupils', which"),
    "headings that are no list": (OURS.replace('["Pupil", "PEP held"]', '"Pupil"'), "must be a list of headings"),
    "codes that are no table": (OURS.replace("[codes.quality]", "[codes]"), r"\[codes\] must have a table"),
    "codes of another column": (OURS.replace("[codes.quality]", "[codes.upn2]"), r"\[codes.upn2\] is about a column"),
    "a code that is none": (OURS.replace('= "good"', '= "great"'), "must give one of good, acceptable, poor"),
    "a date format that is none": (OURS.replace('"%d %B %y"', '"dd/mm/yy"'), "`date_format` must be like"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_mapping_is_one_clear_sentence(name: str, tmp_path: Path) -> None:
    text, message = MISTAKES[name]
    with pytest.raises(MappingInvalid, match=message) as refused:
        load_mapping(_mapping(tmp_path, text))
    assert str(refused.value).startswith(("ours.toml: ", str(tmp_path)))
    assert isinstance(refused.value, LoadRefused)


def test_a_mapping_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MappingInvalid, match="cannot be read"):
        load_mapping(tmp_path / "absent.toml")
    (tmp_path / "ours.toml").write_bytes(b'table = "\xff"')
    with pytest.raises(MappingInvalid, match="is not UTF-8"):
        load_mapping(tmp_path / "ours.toml")
    (tmp_path / "ours.toml").write_bytes(b"#" * 1_000_000)
    with pytest.raises(MappingInvalid, match="a small file"):
        load_mapping(tmp_path / "ours.toml")


def test_a_mapping_s_words_are_text_and_never_sql(tmp_path: Path) -> None:
    """Headings, codes, constants and formats of a mapping go into SQL only as quoted text."""
    nasty = "x'; DROP TABLE findings; --"
    mapping = OURS.replace("Very good", nasty).replace("01 March 25", nasty).replace('"Pupil"', f'"{nasty}"')
    with (tmp_path / "export.csv").open("w", newline="") as stream:
        rows = [line.split(",") for line in EXPORT.strip().split("\n")]
        csv.writer(stream).writerows([[nasty if cell == "Pupil" else cell for cell in row] for row in rows])
    (report,) = judge_files([tmp_path / "export.csv"], mappings=[_mapping(tmp_path, mapping)])
    assert report.rows_in == report.rows_loaded == 3
    assert report.rules["bad_optional_date"] == 3


def test_rows_about_nobody_are_reported(judge: Judge) -> None:
    report = judge(export="upn,la_child_id,date,session,code\n,,14/11/2024,AM,/\n,7,14/11/2024,AM,/\n")["export"]
    assert report.locators == {"nobody": (2,)}
