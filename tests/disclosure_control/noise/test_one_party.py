"""Noise that one party adds by itself: OpenDP's integer mechanism and nothing else of it, with what it proves."""

import ast
import csv
import io
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from disclosure_control.noise import one_party
from disclosure_control.noise.one_party import audit_one_party, bound_rows, make_mechanism, noise_counts
from disclosure_control.noise.terms import NoiseRefused
from disclosure_control.suppression.hierarchy import flat_hierarchy
from disclosure_control.suppression.lattice import Layout
from federation.commands.protect import protect
from tests.disclosure_control.noise.distributions import check_agreement, laplace
from tests.query_engine.example_counts import examples

pytest.importorskip("opendp", reason="OpenDP is not installed")

TABLE = "area,sex,n\n" + "".join(f"{area},{sex},10\n" for area in ("A", "B", "Total") for sex in ("F", "M", "Total"))


@pytest.mark.parametrize(("rows", "epsilon"), [(1, "1"), (4, "1"), (2, "0.7"), (3, "0.1"), (9, "20")])
def test_the_mechanism_proves_what_is_promised(rows: int, epsilon: str) -> None:
    """And hardly less, though binary fractions do not hold most scales."""
    proved = Fraction(make_mechanism(rows, epsilon).map(rows))
    assert Fraction(epsilon) * Fraction(999_999, 1_000_000) < proved <= Fraction(epsilon)


def test_the_noise_is_discrete_laplace() -> None:
    """A sample of OpenDP's own: this fails one run in ten thousand where it is right."""
    check_agreement(noise_counts([0] * examples(3_000), 2, "1"), laplace(2))


def test_it_lets_out_no_more_than_it_claims() -> None:
    """The audit of the shares, on this mechanism."""
    finding = audit_one_party("1", examples(3_000))
    assert 0.5 < finding.found <= finding.claimed == 1


def test_nothing_else_of_opendp_is_used_anywhere() -> None:
    """No data frame, no binary fraction: one file speaks to OpenDP, and of it to whole numbers alone."""
    house = Path(__file__).parents[3]
    rooms = ("audit", "disclosure_control", "federation", "hub", "node", "policies", "query_engine")
    sources = {path: ast.parse(path.read_text()) for room in rooms for path in (house / room).rglob("*.py")}
    users = [path for path, tree in sources.items() if "opendp" in imported(tree)]
    assert users == [Path(one_party.__file__)]
    assert not any(imported(tree) & {"polars", "snsql", "tmlt"} for tree in sources.values())
    tree = sources[users[0]]
    used = [each.attr for each in ast.walk(tree) if isinstance(each, ast.Attribute) and names_opendp(each)]
    assert sorted(used) == [
        "atom_domain",
        "enable_features",
        "l1_distance",
        "m",
        "make_laplace",
        "prelude",
        "vector_domain",
    ]
    types = [each.value for each in ast.walk(tree) if isinstance(each, ast.keyword) and each.arg == "T"]
    assert [each.value for each in types if isinstance(each, ast.Constant)] == ["i64", "i64"]


def imported(tree: ast.AST) -> set[str]:
    """The packages that a file imports."""
    names = [each.module or "" for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)]
    names += [alias.name for each in ast.walk(tree) if isinstance(each, ast.Import) for alias in each.names]
    return {name.partition(".")[0] for name in names}


def names_opendp(attribute: ast.Attribute) -> bool:
    """Whether an attribute is of OpenDP, or of a part of it."""
    value: ast.expr = attribute
    while isinstance(value, ast.Attribute):
        value = value.value
    return isinstance(value, ast.Name) and value.id in ("dp", "opendp")


def test_one_person_is_in_a_row_and_in_its_totals() -> None:
    rows = tuple((a, b) for a in ("x", "y", "Total") for b in ("p", "q"))
    columns = [flat_hierarchy(codes) for codes in zip(*rows, strict=True)]
    assert bound_rows(Layout(("a", "b"), tuple(columns), rows)) == 2


# --- The command -----------------------------------------------------------------------------------------------------


def run(tmp_path: Path, *arguments: str, table: str = TABLE) -> Result:
    path = tmp_path / "table.csv"
    path.write_text(table)
    return CliRunner().invoke(protect, [str(path), "--count", "n", "--by", "area,sex", *arguments])


def test_a_table_is_noised_row_by_row(tmp_path: Path) -> None:
    result = run(tmp_path, "--noise", "20")
    assert result.exit_code == 0, result.output
    rows = list(csv.reader(io.StringIO(result.stdout)))
    assert [row[:2] for row in rows] == [line.split(",")[:2] for line in TABLE.splitlines()]
    assert all(abs(int(row[2]) - 10) < 20 for row in rows[1:])
    assert "factor of exp(20) at most" in result.stderr
    assert "4 in all at most" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "table", "kind"),
    [
        (("--noise", "0"), TABLE, SystemExit),
        (("--noise", "1"), TABLE.replace("B,F,10\n", ""), NoiseRefused),
        (("--noise", "1"), TABLE.replace("B,F,10\n", "B,F,999999999999\n"), None),
        (("--noise", "1", "--preset", "opensafely"), TABLE, SystemExit),
    ],
    ids=["no epsilon", "a row that is missing", "large", "a preset too"],
)
def test_what_cannot_be_noised_is_refused(
    tmp_path: Path, arguments: tuple[str, ...], table: str, kind: type[BaseException] | None
) -> None:
    result = run(tmp_path, *arguments, table=table)
    assert type(result.exception) is (kind or type(None))


@pytest.mark.parametrize("epsilon", ["0", "abc", "0.50", "21"])
def test_what_is_no_epsilon_is_a_bad_argument(tmp_path: Path, epsilon: str) -> None:
    """As it is to `circe query check`; a table that cannot be noised ends in another code."""
    result = run(tmp_path, "--noise", epsilon)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Invalid value for --noise: epsilon must be a decimal number" in result.stderr


def test_without_opendp_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opendp.prelude", None)
    result = run(tmp_path, "--noise", "1")
    assert isinstance(result.exception, NoiseRefused)
    assert "pip install 'circe[noise]'" in str(result.exception)
