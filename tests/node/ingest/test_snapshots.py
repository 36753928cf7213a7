"""Snapshots: published whole or not at all, never changed, readable by their owner alone."""

import json
import os
import stat
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from node.snapshots import SnapshotDamaged, SnapshotMissing, SnapshotStore, seal_snapshot, verify_snapshot
from tests.taken_locks import note_taken

CREATED = datetime(2025, 5, 1, tzinfo=UTC)


def publish(store: SnapshotStore, content: str, secret: str = "vault") -> str:
    with store.staging() as stage:
        for name, text in {
            "governed/child_year.parquet": content,
            "identified/children.parquet": secret,
            "identified/staged/header-202425.parquet": "rows",
        }.items():
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            (stage / name).write_text(text)
        seal_snapshot(stage, term="202425-summer", academic_years=[202425], created=CREATED)
        return store.publish(stage).id


def current_id(store: SnapshotStore) -> str | None:
    current = store.current()
    return None if current is None else current.id


def test_a_published_snapshot_says_what_it_is(store: SnapshotStore) -> None:
    assert store.current() is None
    identifier = publish(store, "one")
    snapshot = store.current()
    assert snapshot is not None
    assert snapshot == store.get(identifier)
    assert identifier.startswith("202425-summer-")
    assert (snapshot.academic_years, snapshot.created) == ((202425,), CREATED)
    assert list(snapshot.tables) == ["child_year"]
    assert list(snapshot.identified) == ["children"]
    assert [path.name for path in snapshot.staged.iterdir()] == ["header-202425.parquet"]
    verify_snapshot(snapshot)


def test_the_id_tells_all_files_apart_and_the_content_hash_the_governed_ones(store: SnapshotStore) -> None:
    first, same, vault, other = (
        store.get(publish(store, *contents)) for contents in (("one",), ("one",), ("one", "changed"), ("two",))
    )
    assert first.id == same.id
    assert first.id != vault.id
    assert first.content_hash == vault.content_hash != other.content_hash


def test_publishing_what_is_here_already_switches_back_to_it(store: SnapshotStore) -> None:
    first, second = publish(store, "one"), publish(store, "two")
    assert current_id(store) == second
    assert publish(store, "one") == first == current_id(store)


def test_files_are_for_their_owner_alone(store: SnapshotStore) -> None:
    publish(store, "one")
    for path in [store.root, *store.root.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize("name", ["", ".", "..", "../outside", "202425-summer-0000000000000000", "current", "/etc"])
def test_only_a_snapshot_can_be_got(name: str, store: SnapshotStore) -> None:
    publish(store, "one")
    with pytest.raises(SnapshotMissing, match="there is no snapshot"):
        store.get(name)


def test_a_load_that_fails_leaves_no_staging_directory(store: SnapshotStore) -> None:
    def fail() -> None:
        with store.staging() as stage:
            (stage / "half").write_text("written")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [path.name for path in store.root.iterdir()] == ["lock"]


def test_what_a_dead_load_left_goes_at_the_next_and_other_things_stay(store: SnapshotStore) -> None:
    identifier = publish(store, "one")
    (store.root / "staging-dead" / "identified").mkdir(parents=True)
    (store.root / "staging-dead" / "identified" / "pupils.parquet").write_text("half")
    with store.staging() as stage:
        assert [path.name for path in store.root.glob("staging-*")] == [stage.name]
    assert current_id(store) == identifier


def test_two_loads_never_prepare_a_snapshot_at_once(store: SnapshotStore, monkeypatch: pytest.MonkeyPatch) -> None:
    taken, order = note_taken(monkeypatch), []

    def second() -> None:
        with store.staging():
            order.append("second")

    with store.staging():
        thread = threading.Thread(target=second)
        thread.start()
        assert taken.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


@pytest.mark.parametrize("name", ["governed/child_year.parquet", "identified/staged/header-202425.parquet"])
def test_an_altered_file_is_damage(name: str, store: SnapshotStore) -> None:
    snapshot = store.get(publish(store, "one"))
    (snapshot.path / name).write_text("altered")
    with pytest.raises(SnapshotDamaged, match=name):
        verify_snapshot(snapshot)


def test_a_lost_file_and_an_unreadable_manifest_are_damage(store: SnapshotStore) -> None:
    snapshot = store.get(publish(store, "one"))
    snapshot.identified["children"].unlink()
    with pytest.raises(SnapshotDamaged, match=r"children\.parquet"):
        verify_snapshot(snapshot)
    (snapshot.path / "snapshot.json").write_text("{")
    with pytest.raises(SnapshotDamaged, match=r"snapshot\.json"):
        store.current()


class PowerCut(BaseException):
    """The power goes: nothing after this runs, not even what cleans up."""


STEPS = ("fsync", "rename", "replace", "chmod")


@pytest.mark.parametrize("moment", range(1, 40))
def test_a_power_cut_at_any_step_of_publishing_leaves_the_old_snapshot_or_the_new_one(
    moment: int, store: SnapshotStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every call that touches the disk while publishing is cut short in turn; the next load then works."""
    old = publish(store, "one")
    new = publish(SnapshotStore(store.root.parent / "elsewhere"), "two")
    calls = iter(range(1, 1_000))

    def cut(function: Callable[..., Any]) -> Callable[..., Any]:
        def cut_or_call(*arguments: Any, **named: Any) -> Any:
            if next(calls) >= moment:
                raise PowerCut
            return function(*arguments, **named)

        return cut_or_call

    with monkeypatch.context() as patch:
        for step in STEPS:
            patch.setattr(os, step, cut(getattr(os, step)))
        patch.setattr("shutil.rmtree", lambda *_, **__: None)
        try:
            publish(store, "two")
            finished = True
        except PowerCut:
            finished = False
    current = store.current()
    assert current is not None
    assert current.id in ({new} if finished else {old, new})
    verify_snapshot(current)
    assert publish(store, "two") == new == current_id(store)
    assert not list(store.root.glob("staging-*"))


def test_the_manifest_names_every_parquet_file_by_its_hash(store: SnapshotStore) -> None:
    snapshot = store.get(publish(store, "one"))
    files = json.loads((snapshot.path / "snapshot.json").read_text())["files"]
    assert sorted(files) == [
        "governed/child_year.parquet",
        "identified/children.parquet",
        "identified/staged/header-202425.parquet",
    ]
    assert {len(each) for each in files.values()} == {64}
