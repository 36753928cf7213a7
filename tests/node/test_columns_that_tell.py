"""Every pair of simple conditions of which whoever meets one meets the other, in a record that is made.

What one column says of another is declared in the catalogue, so that answers about both are set against each other; or
it is so in made records alone, and listed with the reason. A pair that is neither fails.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

from node.ingest.load import load_files
from node.snapshots import SnapshotStore
from node.synth.england import write_england
from node.synth.plan import REGISTER
from tests.node import nested_conditions
from tests.node.nested_conditions import Condition, Flags, chain_up, find_nested, follows, meet_all
from tests.node.synth.conftest import SPREAD
from tests.small_federation import SmallFederation

LISTED = tomllib.loads(Path(__file__).with_name("coincidences.toml").read_text())["coincidence"]
COINCIDENCES = {
    frozenset({one, other}) for each in LISTED for one, others in each["columns"].items() for other in others
}


def find_undeclared(every: Sequence[Condition], met: Flags) -> list[str]:
    """The pairs that neither follow by what is declared, nor are listed, nor follow by several such steps."""
    places, counts = {each: number for number, each in enumerate(every)}, met.sum(axis=1)
    pairs = [(places[narrow], places[wide]) for narrow, wide in find_nested(every, met)]
    known = np.zeros((len(every), len(every)), bool)
    for narrow, wide in pairs:
        known[narrow, wide] = frozenset({every[narrow].place, every[wide].place}) in COINCIDENCES
    reached, left = chain_up(known), []
    for narrow, wide in sorted(pairs, key=lambda pair: counts[pair[1]] - counts[pair[0]]):
        if not reached[narrow, wide] and follows(every[narrow], every[wide]):
            reached |= np.outer(reached[:, narrow], reached[wide])
        elif not reached[narrow, wide]:
            left.append((narrow, wide))
    found = ((every[narrow], every[wide]) for narrow, wide in left if not reached[narrow, wide])
    return [f"{narrow.place} {narrow.said} says {wide.place} {wide.said}" for narrow, wide in found]


@pytest.fixture(scope="module")
def small(pristine_federation: SmallFederation) -> tuple[Sequence[Condition], Flags]:
    """The record of a small federation, and which conditions each of its children meets."""
    snapshots = [pristine_federation.node(each).store.current() for each in pristine_federation.authorities]
    return meet_all([each.tables for each in snapshots if each is not None], 202425)


def test_all_that_columns_say_of_each_other_is_declared_or_listed(small: tuple[Sequence[Condition], Flags]) -> None:
    assert find_undeclared(*small) == []


def test_what_nobody_declares_is_found(
    small: tuple[Sequence[Condition], Flags], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the catalogue silent, the search would tell what it has to say."""
    silent = replace(nested_conditions.CHILD_YEAR, implied=(), had_by=())
    monkeypatch.setattr(nested_conditions, "CHILD_YEAR", silent)
    found = find_undeclared(*small)
    for told in ("sdq_band concern says sdq_score any", "year_group 10 says key_stage key_stage_4"):
        assert told in found
    assert len(found) > 500


@pytest.mark.deep
@pytest.mark.parametrize(("year", "years", "seed"), [(202324, 3, 1), (202425, 2, 2), (202425, 1, 3)])
def test_of_whole_authorities_too(year: int, years: int, seed: int, tmp_path: Path) -> None:
    """With results, plans and support, of authorities far from each other."""
    codes = Random(seed).sample(SPREAD, 4)
    england = write_england(
        tmp_path / "england",
        authorities=codes,
        seed=seed,
        academic_year=year,
        years=years,
        other_pupils_per_child=0.5,
        full=True,
    )
    snapshots = []
    for code in codes:
        store = SnapshotStore(tmp_path / code)
        load_files(
            [england.directory / code, england.directory / REGISTER], store=store, authority=code, token_key=bytes(32)
        )
        snapshot = store.current()
        assert snapshot is not None
        snapshots.append(snapshot.tables)
    assert find_undeclared(*meet_all(snapshots, year)) == []
