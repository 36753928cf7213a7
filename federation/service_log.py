"""What a service says of itself while it runs: a plain line for people, or a JSON object on each line for programs.

    {"time": "2026-11-29T13:20:01.042Z", "level": "WARNING", "message": "...", "member": "node-301"}

The fields that may follow are listed in `FIELDS`, so that none of them is of a child. Of an error that nobody foresaw
its kind and its place are told, never its text, which could quote a value; of an address never what follows its `?`.
"""

import json
import logging
import re
import sys
import threading
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import click

__all__ = ["FIELDS", "LOG", "Form", "JsonLines", "announce", "begin_log", "is_structured", "name_error", "told"]

FIELDS = ("member", "bind", "method", "route", "status", "error", "place", "delivery", "seconds")
"""What a line may have besides time, level, logger, process and message."""

_QUERY_STRING = re.compile(r"\?\S*")

log = logging.getLogger("circe")


class Form(StrEnum):
    """How lines are written."""

    PLAIN = "plain"
    JSON = "json"


class JsonLines(logging.Formatter):
    """Writes each record as a JSON object on one line, whatever is in its message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line: dict[str, Any] = {
            "time": write_time(record.created),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": _QUERY_STRING.sub("?", record.getMessage()),
        }
        if record.exc_info:
            line |= describe_error(record.exc_info[1])
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        return json.dumps(line, ensure_ascii=True, default=str)


class _Standard(logging.StreamHandler[TextIO]):
    """Writes to standard error, whatever that is at the moment."""

    def __init__(self, form: Form) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(JsonLines() if form is Form.JSON else logging.Formatter("%(message)s"))

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


def write_time(seconds: float) -> str:
    """Return a moment as RFC 3339 has it, in UTC and to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def describe_error(error: BaseException | None) -> dict[str, str]:
    """Return an error's kind, and where it was raised; nothing of its text."""
    if error is None:
        return {}
    place = _find_place(error.__traceback__)
    return {"error": type(error).__name__, **({"place": place} if place else {})}


def name_error(error: Exception) -> str:
    """Return the kind of an error and where it was raised, for a message: never its text, never a value."""
    return f"{type(error).__name__} at {_find_place(error.__traceback__) or 'unknown place'}"


def _find_place(traceback: TracebackType | None) -> str:
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return f"{Path(traceback.tb_frame.f_code.co_filename).name}:{traceback.tb_lineno}" if traceback else ""


def told(**fields: object) -> dict[str, object]:
    """Return the fields of a line, to be given as its `extra`. Raises `KeyError` for one that is not listed."""
    for name in fields:
        if name not in FIELDS:
            raise KeyError(name)
    return fields


def announce(text: str, **fields: object) -> None:
    """Say something that is no trouble, such as where a service is found."""
    log.info(text, extra=told(**fields))


def begin_log(form: Form) -> None:
    """Have everything that this process logs from here on written in a form, its children's too."""
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, _Standard)]:
        root.removeHandler(handler)
    root.addHandler(_Standard(form))
    log.setLevel(logging.INFO)
    if form is Form.JSON:
        # Python itself would write these to standard error as they are, over many lines and with their texts.
        logging.captureWarnings(capture=True)
        threading.excepthook = lambda raised: _note_fallen(raised.exc_value)
        sys.excepthook = lambda _, error, __: _note_fallen(error)


def _note_fallen(error: BaseException | None) -> None:
    log.critical("something unforeseen ended a thread", extra=told(**describe_error(error)))


def is_structured() -> bool:
    """Whether this process writes JSON."""
    return any(isinstance(each.formatter, JsonLines) for each in logging.getLogger().handlers)


def _begin(_context: click.Context, _parameter: click.Parameter, form: str) -> None:
    begin_log(Form(form))


LOG = click.option(
    "--log",
    type=click.Choice([each.value for each in Form]),
    default=Form.PLAIN.value,
    show_default=True,
    envvar="CIRCE_LOG",
    show_envvar=True,
    expose_value=False,
    callback=_begin,
    help="How what it says of itself is written: for people, or a JSON object on each line.",
)
"""The option of every command that runs until it is stopped."""
