"""`circe catalogue` and `circe query check`: exact keys, exit codes, and help for the asker."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from federation.commands.check import check
from query_engine.catalogue import Catalogue
from query_engine.commands import catalogue as catalogue_command
from tests.added_presets import STRICT, write_strict

GOOD = "SELECT sex, COUNT(*) AS n\nFROM child_year\nWHERE counted_here AND academic_year = 202425\nGROUP BY sex"
BAD = "SELECT sex, COUNT(*) AS n\nFROM child_year\nWHERE seks = 'M'\nGROUP BY sex"


def run_check(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(check, list(arguments), input=stdin)


def test_an_allowed_query_is_described_as_json() -> None:
    """The keys that scripts rely on."""
    result = run_check("--format", "json", GOOD)
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert set(found) >= {"plan_id", "cells", "statistics", "warnings", "refused"}
    assert found["plan_id"].startswith("plan-")
    assert len(found["plan_id"]) == 37
    assert (found["cells"], found["statistics"], found["refused"]) == (4, ["children", "rows"], None)
    assert [set(each) for each in found["warnings"]] == [{"rule", "text", "recommendation", "instead"}]
    assert found["warnings"][0]["rule"] == "population"
    # A noisy sum carries rows alone, and an exact one the children and rows of each cell and both once more, capped.
    assert [(each["path"], each["taken"], each["bytes"]) for each in found["paths"]] == [
        ("noisy_sum", False, 32),
        ("exact_sum", False, 128),
        ("per_authority", True, 64),
    ]
    assert (found["bytes"], found["view"], found["rewrites"]) == (64, [], [])
    assert [each["meaning"] for each in found["carried"]] == ["distinct children", "rows"]
    assert all(int(each["most"]) < 2**63 for each in found["sums"])
    assert found["expected"]["preset"] == "opensafely"
    assert 0 <= found["expected"]["withheld"] < 0.5
    assert found["certain"] == []


def test_a_refused_query_is_described_as_json() -> None:
    """The same keys, the reason and the place; exit code 4."""
    result = run_check("--format", "json", BAD)
    found = json.loads(result.stdout)
    assert result.exit_code == 4
    assert set(found) == {"plan_id", "cells", "statistics", "warnings", "refused"}
    assert found["plan_id"] is None
    assert found["refused"] == {
        "code": "unknown_column",
        "text": "child_year has no column of that name. Did you mean sex?",
        "at": [3, 7],
    }


def test_an_allowed_query_is_explained() -> None:
    """In words, with the warnings at the end."""
    result = run_check(GOOD)
    assert result.exit_code == 0
    assert "counted_here is yes" in result.stdout
    assert "4 for each authority" in result.stdout
    assert "Warnings    population, recommendation 3: " in result.stdout
    assert "no sum leaves 64 bits" in result.stdout
    assert "per_authority: taken" in result.stdout
    assert "153 authorities or more can have children in each cell" in result.stdout
    assert "of the figures withheld in the middling authority, under opensafely" in result.stdout


SPARSE = (
    "SELECT need, ethnicity_major, COUNT(*) AS n, STDDEV(attendance_rate) AS spread FROM child_year "
    "WHERE counted_here AND academic_year = 202425 AND population = 'looked_after' "
    "GROUP BY need, ethnicity_major HAVING n BETWEEN 10 AND 20 OR NOT n < 5 ORDER BY n DESC LIMIT 5 OFFSET 2"
)


def test_a_sparse_query_comes_with_rewrites() -> None:
    """Each with the share that would be withheld then, less than of the question as it stands; by the preset named."""
    found = json.loads(run_check("--format", "json", "--preset", "ukllc", SPARSE).stdout)
    assert found["expected"]["preset"] == "ukllc"
    assert found["expected"]["withheld"] > 0.5
    assert 1 <= len(found["rewrites"]) <= 3
    assert all(each["withheld"] < found["expected"]["withheld"] for each in found["rewrites"])
    assert f"Rather      {found['rewrites'][0]['text']}: " in run_check("--preset", "ukllc", SPARSE).stdout


def test_the_view_is_told_apart_from_the_plan() -> None:
    """In words, and said to be no part of the plan."""
    found = json.loads(run_check("--format", "json", SPARSE).stdout)
    plain = json.loads(run_check("--format", "json", SPARSE[: SPARSE.index(" HAVING")]).stdout)
    assert found["plan_id"] == plain["plan_id"]
    assert found["view"] == [
        "rows where (n is 10 to 20) or (not (n < 5)); a row whose figure is withheld is kept",
        "in the order of n from the greatest down; withheld figures last",
        "at most 5 rows, after the first 2",
    ]
    assert "no part of the plan" in run_check(SPARSE).stdout


def test_every_statistic_is_said_in_words() -> None:
    """No hash stands for a condition that nobody can read."""
    explained = run_check(SPARSE).stdout
    assert "when-" not in explained
    assert "distinct children whose attendance_rate is not 0" in explained
    assert "sum of attendance_rate times attendance_rate; a row adds at most 100,000,000" in explained


def test_a_methodology_refusal_names_the_rule() -> None:
    """Exit code 4, as for any refusal, and the question that would be sound."""
    sql = "SELECT academic_year, AVG(engmath_94) AS passed FROM child_year GROUP BY academic_year"
    result, found = run_check(sql), json.loads(run_check("--format", "json", sql).stdout)
    assert result.exit_code == 4
    assert found["refused"]["code"] == "methodology"
    assert "(year_on_year, recommendation 2)" in found["refused"]["text"]
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_what_cell_keys_cannot_change_is_refused_under_their_preset() -> None:
    """Counts pass, and an average is refused with what can be asked."""
    assert run_check("--preset", "ons_cell_key", GOOD).exit_code == 0
    result = run_check("--format", "json", "--preset", "ons_cell_key", GOOD.replace("COUNT(*)", "AVG(placements)"))
    assert (result.exit_code, json.loads(result.stdout)["refused"]["code"]) == (4, "cell_keys")


def test_an_unknown_preset_is_a_usage_error() -> None:
    result = run_check("--preset", "none", GOOD)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "opensafely" in result.stderr


def test_an_added_preset_is_foreseen_from_its_file(tmp_path: Path) -> None:
    """Its threshold of 12 withholds more than opensafely's 8."""
    expected = [
        json.loads(run_check("--preset", each, "--format", "json", SPARSE).stdout)["expected"]
        for each in ("opensafely", str(write_strict(tmp_path)))
    ]
    assert [each["preset"] for each in expected] == ["opensafely", STRICT]
    assert expected[0]["withheld"] < expected[1]["withheld"]


def test_a_sound_query_is_explained_without_warnings() -> None:
    """The plan's id is the last line."""
    result = run_check("SELECT COUNT(*) AS n FROM pupil_year WHERE academic_year = 202425")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].startswith("Plan        plan-")


def test_a_refusal_shows_the_place() -> None:
    """The line of the text and a caret under the word."""
    result = run_check(BAD)
    assert result.exit_code == 4
    lines = result.stdout.splitlines()
    assert lines[0] == "Refused (unknown_column) at line 3, column 7"
    assert lines[2:4] == ["  WHERE seks = 'M'", "        ^"]


def test_a_refusal_of_the_whole_has_no_place() -> None:
    """A query with too many cells is at fault nowhere in particular."""
    columns = "host_authority, age, need"
    result = run_check(f"SELECT {columns}, COUNT(*) AS n FROM child_year GROUP BY {columns}")
    assert result.exit_code == 4
    assert result.stdout.splitlines()[0] == "Refused (too_many_cells)"


def test_a_long_line_is_cut_around_the_place() -> None:
    """The caret stays under the word, and a control character is not sent to the terminal."""
    result = run_check(f"SELECT COUNT(*) AS n{' ' * 300}\t\x1b FROM child_year")
    _, _, line, caret, *_ = result.stdout.splitlines()
    assert len(line) <= 102
    assert "\x1b" not in result.stdout
    assert len(caret) <= len(line)


def test_sql_comes_from_a_file_or_standard_input(tmp_path: Path) -> None:
    """`@FILE` and `-` mean the same text."""
    path = tmp_path / "question.sql"
    path.write_text(GOOD, encoding="utf-8")
    answers = [run_check("--format", "json", f"@{path}"), run_check("--format", "json", "-", stdin=GOOD)]
    assert {answer.stdout for answer in answers} == {run_check("--format", "json", GOOD).stdout}


def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    """Exit code 2, standard output left empty."""
    damaged = tmp_path / "damaged.sql"
    damaged.write_bytes(b"SELECT \xff")
    for argument in (f"@{tmp_path / 'absent.sql'}", f"@{tmp_path}", f"@{damaged}"):
        result = run_check(argument)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "SQL" in result.stderr


def test_an_endless_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    """No more is read than a query may have."""
    path = tmp_path / "long.sql"
    path.write_text(GOOD + " " * 1_000_000, encoding="utf-8")
    found = json.loads(run_check("--format", "json", f"@{path}").stdout)
    assert found["refused"]["code"] == "text_too_long"


def list_catalogue(*arguments: str) -> Result:
    return CliRunner().invoke(catalogue_command, list(arguments))


def test_the_catalogue_lists_every_column(catalogue: Catalogue) -> None:
    """As a table, each of its columns by name; as CSV and JSON, each with its definition."""
    written = list_catalogue().stdout
    rows = list(csv.DictReader(io.StringIO(list_catalogue("--format", "csv").stdout)))
    found = json.loads(list_catalogue("--format", "json").stdout)
    expected = [(table.name, column.name) for table in catalogue.tables.values() for column in table.columns.values()]
    assert [(row["table"], row["column"]) for row in rows] == expected
    assert [(table["name"], column["name"]) for table in found["tables"] for column in table["columns"]] == expected
    assert found["version"] == catalogue.version
    assert all(name in written for _, name in expected)
    assert all(row["definition"] and row["source"] and row["values"] for row in rows)
    assert all(bool(row["bins"]) == (row["role"] == "measure") for row in rows)
    assert all(
        bool(column["bins"]) == (column["role"] == "measure") for t in found["tables"] for column in t["columns"]
    )


def test_one_table_is_listed_in_full(catalogue: Catalogue) -> None:
    """With definitions, values and sources."""
    written = list_catalogue("pupil_year").stdout
    assert "attendance_rate  (measure, decimal, share of possible sessions)" in written
    assert "Values: M, F, U" in written
    assert "Values: 0 to 10; bins from 0, 1, 2, 3, 4, 5" in written
    assert "child_year:" not in written


def test_a_page_says_all_that_is_declared_of_every_column(catalogue: Catalogue) -> None:
    """Definition, source, nature, type, unit, bounds, sensitivity, whose questions may use it, and its years."""
    for table in catalogue.tables.values():
        written = _unspaced(list_catalogue(table.name).stdout)
        for column in table.columns.values():
            _, _, told = written.partition(f"{column.name}({column.role},{column.type}")
            facts = (
                *(column.definition, f"Source: {column.source}", column.unit or "", str(column.first_year)),
                *(f"{column.factor} ({column.nature})", f"asked by: {column.audience}"),
                f"sensitivity: {column.sensitivity}",
                f"{column.bounds[0]} to {column.bounds[1]}" if column.bounds else "Values: ",
            )
            wanted = [_unspaced(fact) for fact in facts]
            told = told[: 400 + sum(map(len, wanted))]
            assert all(fact in told for fact in wanted), column.name


def _unspaced(text: str) -> str:
    """Text without its blanks, since lines are broken anywhere."""
    return "".join(text.split())


def test_an_unknown_table_is_a_usage_error() -> None:
    """Exit code 2, and the names there are."""
    result = list_catalogue("children")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "child_year, pupil_year" in result.stderr


def test_importing_the_commands_imports_nothing_heavy() -> None:
    """`circe --help` answers at once."""
    modules = "query_engine.commands, federation.commands.check"
    script = f"import sys, {modules}; print(sorted({{'sqlglot', 'duckdb', 'tomllib'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", [check, catalogue_command])
def test_the_help_says_what_the_command_is_for(command: object) -> None:
    """One sentence at least."""
    assert command.help  # type: ignore[attr-defined]
