"""The metric set of recommendation 1: `metrics.toml`, each metric with its measures or with why there are none."""

import tomllib
from functools import cache
from pathlib import Path

import msgspec

__all__ = ["Metric", "load_metrics"]

_FILE = Path(__file__).with_name("metrics.toml")


class Metric(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What should be told, which recommendation asks for it, and the measures that tell it or why none does."""

    title: str
    asked_by: str
    measures: tuple[str, ...] = ()
    why_not: str = ""


class _Metrics(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    metric: tuple[Metric, ...]


@cache
def load_metrics() -> tuple[Metric, ...]:
    """Return the metrics, in the order of the file."""
    return msgspec.convert(tomllib.loads(_FILE.read_text(encoding="utf-8")), _Metrics).metric
