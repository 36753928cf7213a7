"""Fixtures that several rooms' tests share, and the rule that a complete run leaves nothing out."""

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import FileSystemBytecodeCache
from werkzeug.routing import Rule

from node.ingest.load import load_files
from node.service import Node
from tests.made_once import make_once
from tests.postgres_server import PostgresServer, running_server
from tests.small_federation import LONDON, SmallFederation, build_federation, copy_federation

AUTHORITIES = ("203", "301", "316", "317")

MEMORY = Path("/dev/shm")
"""Where Linux has files in memory."""

ROOM = 4 << 30
"""Several times what a whole run has there at once, in bytes."""


def pytest_configure() -> None:
    """Write in memory where there is room: tests end processes, never the machine, so no sync need reach a disk."""
    if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long suites to `make test-deep`."""
    if os.environ.get("CIRCE_DEEP"):
        return
    for item in items:
        if item.get_closest_marker("deep"):
            item.add_marker(pytest.mark.skip(reason="long seeded suite: make test-deep runs it"))


def pytest_collection_finish() -> None:
    """Spare every later collection of garbage the modules and tests themselves: they stay until the end."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Now they may go."""
    gc.unfreeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Under CIRCE_COMPLETE, a test that is left out for lack of a system package is a failure."""
    report = yield
    if os.environ.get("CIRCE_COMPLETE") and report.skipped and "is not installed" in str(report.longrepr):  # type: ignore[attr-defined]
        report.outcome = "failed"  # type: ignore[attr-defined]
    return report


def load_node(node: Node, files: Path) -> None:
    """Load an authority's files into its node."""
    load_files([files], store=node.store, authority=node.authority, token_key=node.party.keys.row_secret)


def load_everything(node: Node, files: Path) -> None:
    """Load an authority's files and the register of schools into its node."""
    load_files(
        [files, files.parent / "register"],
        store=node.store,
        authority=node.authority,
        token_key=node.party.keys.row_secret,
    )


@pytest.fixture(scope="session", autouse=True)
def _compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what templates and addresses are compiled to: nearly every test of pages makes an application of its own."""
    kept = FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))
    compile_builder, builders = Rule._compile_builder, dict[object, Callable[..., tuple[str, str]]]()

    def compile_once(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        if rule.defaults:
            return compile_builder(rule, append_unknown)
        parts = (*rule._trace, append_unknown)
        if parts not in builders:
            builders[parts] = compile_builder(rule, append_unknown)
        return builders[parts]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flask, "jinja_options", {**Flask.jinja_options, "bytecode_cache": kept})
        patch.setattr(Rule, "_compile_builder", compile_once)
        yield


@pytest.fixture(scope="session")
def pristine_federation(tmp_path_factory: pytest.TempPathFactory) -> SmallFederation:
    """Four authorities, loaded; made once and never changed."""
    return make_once(tmp_path_factory, "federation", lambda place: build_federation(place, AUTHORITIES, load_node))


@pytest.fixture(scope="session")
def pristine_london(tmp_path_factory: pytest.TempPathFactory) -> SmallFederation:
    """Six authorities of London, loaded with all that they have; made once and never changed."""

    def build(place: Path) -> SmallFederation:
        return build_federation(place, LONDON, load_everything, full=True, other_pupils_per_child=1.0)

    return make_once(tmp_path_factory, "london", build)


@pytest.fixture
def federation(pristine_federation: SmallFederation, tmp_path: Path) -> SmallFederation:
    """A small federation of the test's own."""
    return copy_federation(pristine_federation, tmp_path / "federation")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL server, started once; what a test copies to it is in a schema of its own."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def spark() -> Iterator[None]:
    """A real Spark application in this process, started once and shared by the engines that the tests open."""
    pytest.importorskip("pyspark", reason="PySpark is not installed (make spark)")
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        pytest.skip("Java is not installed (Debian package default-jre-headless)")
    from query_engine.engines.spark import SparkEngine

    with pytest.MonkeyPatch.context() as patch:
        # Java's second compiler takes longer over plans that are run once than it saves them.
        patch.setenv("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1")
        with SparkEngine({}):
            yield
