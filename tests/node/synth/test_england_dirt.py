"""Dirt is there in the numbers the summary says, and only when asked for."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from node.synth.dirt import EACH, KINDS
from node.synth.england import write_england
from node.upn import is_upn
from tests.node.synth.conftest import England, Row

Finder = Callable[[England, str], int]


def _is_date(text: str) -> bool:
    try:
        datetime.strptime(text, "%d/%m/%Y")
    except ValueError:
        return False
    return True


def _count(table: str, wrong: Callable[[Row], bool]) -> Finder:
    return lambda england, code: sum(wrong(row) for row in england.rows(code, table))


def _ends_before(row: Row) -> bool:
    if not row["DEC"] or not _is_date(row["DECOM"]):
        return False
    start, end = (datetime.strptime(row[name], "%d/%m/%Y") for name in ("DECOM", "DEC"))
    return end < start


def _duplicates(england: England, code: str) -> int:
    return sum(count - 1 for count in Counter(row["CHILD"] for row in england.rows(code, "header")).values())


def _without_header(england: England, code: str) -> int:
    headed = {row["CHILD"] for row in england.rows(code, "header")}
    return len({row["CHILD"] for table in ("episodes", "oc3") for row in england.rows(code, table)} - headed)


FINDERS: dict[str, Finder] = {
    "bad_date": _count("episodes", lambda row: not _is_date(row["DECOM"])),
    "unknown_code": _count("episodes", lambda row: row["CIN"] == "N9"),
    "end_before_start": _count("episodes", _ends_before),
    "unparsable_number": _count("oc2", lambda row: bool(row["SDQ_SCORE"]) and not row["SDQ_SCORE"].isdigit()),
    "wrong_check_letter": _count("header", lambda row: len(row["UPN"]) == 13 and not is_upn(row["UPN"])),
    "duplicate_row": _duplicates,
    "missing_header": _without_header,
}


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> England:
    return England(write_england(tmp_path_factory.mktemp("dirty"), authorities=3, seed=11, scale=0.2, dirty=True))


def test_every_kind_of_dirt_is_looked_for() -> None:
    assert list(FINDERS) == [kind.name for kind in KINDS]


@pytest.mark.parametrize("kind", FINDERS)
def test_dirt_is_found_in_the_number_reported(dirty: England, kind: str) -> None:
    for code, summary in dirty.summary.authorities.items():
        assert FINDERS[kind](dirty, code) == summary.dirt[kind] == EACH


@pytest.mark.parametrize("kind", FINDERS)
def test_a_clean_england_has_none(estuary: England, kind: str) -> None:
    for code, summary in estuary.summary.authorities.items():
        assert not summary.dirt
        assert FINDERS[kind](estuary, code) == 0


def test_a_return_too_small_is_spoiled_less(tmp_path: Path) -> None:
    """With almost no children there are fewer rows to spoil, and the summary says how many."""
    england = England(write_england(tmp_path, authorities=["420"], seed=1, dirty=True))
    dirt = england.summary.authorities["420"].dirt
    assert min(dirt.values()) < EACH
    assert all(FINDERS[kind](england, "420") == count for kind, count in dirt.items())
