"""Apache Spark as an engine, for an authority or regional body whose tables outgrow one machine.

With a local master (`local[2]`) everything stays in one Java process that listens on loopback alone, shows no pages,
and keeps what it spills to disk encrypted in a directory of its own. Another master, such as `spark://host:7077`, is
a cluster of the authority's own, secured by its own settings, whose workers read the same files.

Spark cannot be shut in as DuckDB can: what bounds it is that no text but a rendered plan is ever run. Its own
messages are silenced, for they quote values.
"""

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from threading import Event, Lock, Timer
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkException
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from query_engine.engines import EngineFailed, EngineUnavailable
from query_engine.engines.cells import fill_cells
from query_engine.planning.plan import QueryPlan
from query_engine.rendering.plans import render_plan
from query_engine.tables import RawTable

_LOGGING = Path(__file__).with_name("spark_log4j2.properties")
_SPARK_ERRORS = (PySparkException, Py4JError, OSError)


class SparkEngine:
    """Runs plans over Parquet files, one for each governed table; a context manager, safe to share by threads.

    `memory` is in Java's spelling, such as `1g`; `seconds` bounds each run. Plans run one at a time. All engines of a
    process share one Spark application, and so its first master and memory; the last to close ends it. Raises
    `EngineUnavailable` where Spark does not start, and `EngineFailed` where the files cannot be read.
    """

    def __init__(
        self, tables: Mapping[str, Path], *, master: str = "local[2]", memory: str = "1g", seconds: float = 60
    ) -> None:
        self._seconds = seconds
        self._turn = Lock()
        self._session = _application.join(master, memory)
        self._open = True
        # A path is one file's, whatever signs for several files its name may hold.
        reader = self._session.read.option("__globPaths__", "false")
        try:
            for name, path in tables.items():
                reader.parquet(str(path.absolute())).createOrReplaceTempView(name)
        except _SPARK_ERRORS as error:
            self.close()
            raise EngineFailed(
                f"Spark could not open the snapshot ({type(error).__name__}): "
                "check that its files are there and whole, and load again if they are not."
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the application, and end it if nobody else has hold of it."""
        with self._turn:
            if self._open:
                self._open = False
                _application.leave()

    def run(self, plan: QueryPlan) -> RawTable:
        """The exact figures of the plan. Raises `EngineFailed`."""
        return fill_cells(plan, self.fetch(render_plan(plan, "spark")))

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a rendered plan, never of an asker's text. Raises `EngineFailed`."""
        with self._turn:
            if not self._open:
                raise EngineFailed("The engine is closed.")
            context, group, late = self._session.sparkContext, uuid4().hex, Event()
            timer = Timer(self._seconds, _cancel, (context, group, late))
            context.setJobGroup(group, "a plan", interruptOnCancel=True)
            timer.start()
            try:
                answer = self._session.sql(sql).toArrow()
            except _SPARK_ERRORS as error:
                if late.is_set():
                    raise EngineFailed(f"The plan did not finish within {self._seconds:g} seconds.") from None
                raise EngineFailed(f"Spark could not run the plan ({type(error).__name__}).") from None
            finally:
                timer.cancel()
                timer.join()
        return list(zip(*(column.to_pylist() for column in answer.columns), strict=True))


class _Application:
    """The one Spark application that a process can have, and how many engines have hold of it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._engines = 0
        self._session: SparkSession | None = None

    def join(self, master: str, memory: str) -> SparkSession:
        """A session with tables of its own. Raises `EngineUnavailable` where Spark does not start."""
        with self._lock:
            if self._session is None:
                self._session = _start(master, memory)
            self._engines += 1
            return self._session.newSession()

    def leave(self) -> None:
        """End the application, if this was the last engine."""
        with self._lock:
            self._engines -= 1
            if self._engines == 0 and self._session is not None:
                self._session.stop()
                self._session = None


_application = _Application()


def _start(master: str, memory: str) -> SparkSession:
    PySparkLogger.getLogger("SQLQueryContextLogger").disabled = True
    settings = _settings(master, memory, _scratch())
    try:
        return SparkSession(SparkContext(conf=SparkConf().setAll(list(settings.items()))))
    except (*_SPARK_ERRORS, RuntimeError) as error:
        raise EngineUnavailable(
            f"Spark did not start ({type(error).__name__}): it needs Java 17 or newer, and its master to be there."
        ) from None


@cache
def _scratch() -> str:
    """A directory for the Java process, closed to others, which lasts as long as that does: until this one ends."""
    directory = tempfile.mkdtemp(prefix="circe-spark-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


def _settings(master: str, memory: str, scratch: str) -> dict[str, str]:
    """What the application is started with; every choice that an answer or its secrecy could depend on is made."""
    java = [f"-Dlog4j2.configurationFile={_LOGGING}", f"-Djava.io.tmpdir={scratch}", "-XX:-UsePerfData"]
    settings = {
        "spark.master": master,
        "spark.app.name": "circe",
        "spark.driver.memory": memory,
        "spark.driver.extraJavaOptions": " ".join(java),
        "spark.log.level": "OFF",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": scratch,
        "spark.sql.warehouse.dir": f"{scratch}/warehouse",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.io.encryption.enabled": "true",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.runSQLOnFiles": "false",
        "spark.sql.variable.substitute": "false",
    }
    if master.startswith("local"):
        settings |= {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.sql.shuffle.partitions": "4",
        }
    return settings


def _cancel(context: SparkContext, group: str, late: Event) -> None:
    """Stop the plan's job, and any that it would start next: one that is being planned has none yet.

    Tasks end where they next look up, which those of a plan do at every batch of rows that they read.
    """
    late.set()
    context._jsc.sc().cancelJobGroupAndFutureJobs(group)
