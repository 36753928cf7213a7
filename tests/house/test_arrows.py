"""The arrows of the house: which room may import which, read from the source itself.

federation/cli.py, federation/demo.py      may import all, imported by none
hub/   |   node/                           the two applications; they never import each other
federation/                                members, envelopes, transport, client
disclosure_control/                        everything that makes a table safe
query_engine/  policies/  audit/           leaves; no sibling imports
"""

import ast
from collections import Counter
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]

MAY_IMPORT = {
    "query_engine": set(),
    "policies": set(),
    "audit": set(),
    "disclosure_control": {"query_engine"},
    "federation": {"disclosure_control", "query_engine", "policies", "audit"},
    "node": {"federation", "disclosure_control", "query_engine", "policies", "audit"},
    "hub": {"federation", "disclosure_control", "query_engine", "policies", "audit"},
}
ROOT_FILES = {"federation/cli.py", "federation/demo.py"}

EDGES = {
    "flask": ("hub/", "node/", "federation/web/"),
    "sqlite3": ("hub/nonces.py", "node/", "federation/database.py", "federation/fan_out.py", "audit/"),
    "duckdb": ("query_engine/engines/", "node/"),
    "psycopg": ("query_engine/engines/", "audit/postgres.py", "hub/bench/own_postgres.py"),
    "pyspark": ("query_engine/engines/",),
    "http": ("federation/lines.py", "hub/bench/played_browsers.py"),
    "socket": (
        "hub/",
        "node/",
        "federation/processes.py",
        "federation/tls.py",
        "federation/lines.py",
        "federation/web/listening.py",
    ),
    "ssl": ("federation/tls.py", "federation/lines.py"),
    "subprocess": (
        "federation/processes.py",
        "federation/commands/bench_audit.py",
        "federation/commands/bench_disclosure.py",
        "federation/commands/bench_secure_sum.py",
        "hub/bench/own_postgres.py",
        "node/quality/open_validator.py",
    ),
    "casbin": ("policies/",),
}
"""Where sockets, databases and frameworks may be touched; everywhere else the code is pure."""


def source_files() -> list[Path]:
    return sorted(path for room in MAY_IMPORT for path in (HOUSE / room).rglob("*.py"))


def imported_modules(path: Path) -> Iterator[str]:
    for statement in ast.walk(ast.parse(path.read_text())):
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            assert statement.level == 0, f"{path}: imports in this house are absolute"
            yield statement.module or ""
            yield from (f"{statement.module}.{alias.name}" for alias in statement.names)


def module_of(path: Path) -> str:
    return name_of(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def name_of(path: Path) -> str:
    return path.relative_to(HOUSE).as_posix()


@pytest.mark.parametrize("path", source_files(), ids=name_of)
def test_arrows_only_go_down(path: Path) -> None:
    """A room imports the rooms below it and no other; the composition root imports what it likes."""
    room = name_of(path).split("/")[0]
    if name_of(path) in ROOT_FILES:
        return
    rooms = {module.split(".")[0] for module in imported_modules(path)} & set(MAY_IMPORT)
    assert rooms <= MAY_IMPORT[room] | {room}


@pytest.mark.parametrize("path", source_files(), ids=name_of)
def test_nobody_imports_the_composition_root(path: Path) -> None:
    roots = {root.removesuffix(".py").replace("/", ".") for root in ROOT_FILES}
    assert name_of(path) in ROOT_FILES or not roots & set(imported_modules(path))


def test_no_modules_import_each_other() -> None:
    """Not in a circle of any length, be it within functions or for their types alone."""
    modules = {module_of(path): path for path in source_files()}
    try:
        TopologicalSorter({name: modules.keys() & imported_modules(path) for name, path in modules.items()}).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(error.args[1][::-1]))


@pytest.mark.parametrize("path", source_files(), ids=name_of)
def test_frameworks_and_databases_stay_at_the_edges(path: Path) -> None:
    modules = {module.split(".")[0] for module in imported_modules(path)}
    for module, places in EDGES.items():
        assert module not in modules or name_of(path).startswith(places), f"{module} in {name_of(path)}"


def test_the_house_has_exactly_its_rooms() -> None:
    """Top-level folders are the seven rooms, their tests and their docs."""
    folders = {path.name for path in HOUSE.iterdir() if path.is_dir() and not path.name.startswith(".")}
    made = {"build", "demo-state", "circe.egg-info"}
    assert folders - made == set(MAY_IMPORT) | {"tests", "docs"}


def test_no_two_modules_of_tests_are_called_alike() -> None:
    """Their folders are no packages, so that pytest tells them apart by their names alone."""
    names = Counter(path.name for path in (HOUSE / "tests").rglob("test_*.py"))
    assert [name for name, times in names.items() if times > 1] == []


def test_no_room_for_odds_and_ends() -> None:
    """Files are nouns of the field; nothing is called after having no name."""
    barred = {"common", "utils", "util", "helpers", "helper", "manager", "misc", "core"}
    assert not {path.stem for path in source_files()} & barred
    assert not {part for path in source_files() for part in path.relative_to(HOUSE).parts} & barred
