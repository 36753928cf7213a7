"""The reports that there are: `reports.toml`, a closed list that one can read."""

import tomllib
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from federation.reports.measures import find_named
from federation.reports.places import Level

__all__ = ["MOST_FACTORS", "Report", "Section", "Shows", "find_report", "keep_known", "load_reports"]

_FILE = Path(__file__).with_name("reports.toml")

Shows = Literal["places", "split", "funnel", "like_for_like", "told"]
"""How a section lays out its measures: beside the region and the nation; by factors; each authority against the
nation by its number of children; against what the nation's
model expects of as many such children; or a question's answer as it was released."""

MOST_FACTORS = 2
"""By how many factors at once a report splits a measure: more leave nothing to show."""


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A heading, the measures under it, and how they are shown; `note` says what to mind."""

    title: str
    measures: tuple[str, ...] = ()
    question: str = ""
    show: Shows = "places"
    by: tuple[str, ...] = ()
    note: str = ""


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A report as it is declared."""

    name: str
    title: str
    audience: str
    about: str
    levels: tuple[Level, ...]
    section: tuple[Section, ...]


class _Reports(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    report: tuple[Report, ...]


@cache
def load_reports() -> tuple[Report, ...]:
    """Return the reports, in the order of the file."""
    return msgspec.convert(tomllib.loads(_FILE.read_text(encoding="utf-8")), _Reports).report


def find_report(name: str) -> Report:
    """Return a report by its name. Raises `StateError`."""
    return find_named(load_reports(), name, "report")


def keep_known(report: Report, measures: Collection[str], factors: Collection[str]) -> Report:
    """Return a report without what there are no figures of: a node shows some measures, by a factor at a time."""
    kept = (
        msgspec.structs.replace(each, measures=tuple(name for name in each.measures if name in measures))
        for each in report.section
        if each.show in ("places", "split") and len(each.by) <= 1 and set(each.by) <= set(factors)
    )
    return msgspec.structs.replace(report, section=tuple(each for each in kept if each.measures))
