"""Keys are made once, kept in one file that its owner alone can read, and shown nowhere."""

import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from federation.key_ring import KeyRing
from federation.keys import (
    KEY_FILE,
    NEXT_KEY_FILE,
    KeyFile,
    KeyFileError,
    MemberKeys,
    generate_keys,
    load_keys,
    replace_keys,
    save_keys,
    write_secret,
)
from federation.register import public_text
from federation.wire import decode_document
from tests.federation.cast import NOT_BASE64, make_keys

KEYS = make_keys("node-301")
Damage = Callable[[dict[str, Any]], object]


def rewrite(path: Path, change: Damage) -> None:
    """Change the fields of a key file, which keeps its mode."""
    fields = json.loads(path.read_bytes())
    change(fields)
    path.write_bytes(json.dumps(fields, separators=(",", ":")).encode())


def check_tells_nothing(error: pytest.ExceptionInfo[KeyFileError], path: Path) -> None:
    """The error is one line that names the file and holds none of the keys."""
    text = str(error.value)
    assert str(path) in text
    assert "\n" not in text
    assert not any(public_text(seed)[:12] in text for seed in secrets_of(KEYS))


def test_keys_come_back_from_their_file(tmp_path: Path) -> None:
    save_keys(KEYS, tmp_path)
    assert load_keys(tmp_path) == KEYS


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    save_keys(KEYS, tmp_path)
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    save_keys(KEYS, tmp_path)
    with pytest.raises(KeyFileError, match=r"exists already: .* choose another directory"):
        save_keys(make_keys("node-203"), tmp_path)
    assert load_keys(tmp_path) == KEYS


def test_keys_are_not_written_through_a_link(tmp_path: Path) -> None:
    """A link laid in wait would have the keys written somewhere else."""
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / KEY_FILE).symlink_to(elsewhere)
    with pytest.raises(KeyFileError, match="exists already"):
        save_keys(KEYS, tmp_path)
    assert not elsewhere.exists()


def test_a_key_file_that_could_not_be_written_whole_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="No space"):
            save_keys(KEYS, tmp_path)
    assert not (tmp_path / KEY_FILE).exists()
    save_keys(KEYS, tmp_path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610, 0o601], ids=oct)
def test_a_key_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    save_keys(KEYS, tmp_path)
    (tmp_path / KEY_FILE).chmod(mode)
    with pytest.raises(KeyFileError, match="open to other users: run chmod 600") as error:
        load_keys(tmp_path)
    check_tells_nothing(error, tmp_path / KEY_FILE)


@pytest.mark.parametrize("missing", ["the directory", "the file"])
def test_a_missing_key_file_is_named(tmp_path: Path, missing: str) -> None:
    directory = tmp_path / "nowhere" if missing == "the directory" else tmp_path
    with pytest.raises(KeyFileError, match="cannot be read") as error:
        load_keys(directory)
    check_tells_nothing(error, directory / KEY_FILE)


DAMAGED: dict[str, Damage] = {
    "another version": lambda fields: fields.update(version=1),
    "no version": lambda fields: fields.pop("version"),
    "a field more": lambda fields: fields.update(more=1),
    "a field less": lambda fields: fields.pop("log_secret"),
    "no member's name": lambda fields: fields.update(member_id="../x"),
    "a seed too short": lambda fields: fields.update(signing_seed=public_text(KEYS.signing_seed[:-1])),
    "a seed too long": lambda fields: fields.update(row_secret=public_text(KEYS.row_secret + b"\0")),
    "seeds in each other's place": lambda fields: fields.update(sealing_seed=fields["log_secret"]),
    **{f"a seed spelt {text!a}": partial(dict.update, signing_seed=text) for text in NOT_BASE64},
}


@pytest.mark.parametrize("change", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_key_file_is_refused(tmp_path: Path, change: Damage) -> None:
    save_keys(KEYS, tmp_path)
    rewrite(tmp_path / KEY_FILE, change)
    with pytest.raises(KeyFileError, match=r"is damaged .*: restore it") as error:
        load_keys(tmp_path)
    check_tells_nothing(error, tmp_path / KEY_FILE)


@pytest.mark.parametrize("content", [b"", b"\xff" * 100, b"[]", b"{" * 100_000], ids=["empty", "bytes", "list", "deep"])
def test_what_is_no_key_file_is_refused(tmp_path: Path, content: bytes) -> None:
    write_secret(tmp_path / KEY_FILE, content)
    with pytest.raises(KeyFileError, match="is damaged") as error:
        load_keys(tmp_path)
    check_tells_nothing(error, tmp_path / KEY_FILE)


def test_no_repr_shows_a_key(tmp_path: Path) -> None:
    save_keys(KEYS, tmp_path)
    assert repr(KEYS) == f"{KEYS}" == "MemberKeys('node-301', secret)"
    assert repr(decode_document((tmp_path / KEY_FILE).read_bytes(), KeyFile)) == "KeyFile(…)"


def test_fresh_keys_share_nothing() -> None:
    one, other = generate_keys("node-301"), generate_keys("node-301")
    assert not set(secrets_of(one)) & set(secrets_of(other))
    assert [len(secret) for secret in secrets_of(one)] == [32, 96, 32, 32, 32]
    assert len(set(secrets_of(one))) == 5


def secrets_of(keys: MemberKeys) -> tuple[bytes, ...]:
    return keys.signing_seed, keys.sealing_seed, keys.log_seed, keys.row_secret, keys.log_secret


def test_public_keys_follow_from_the_seeds() -> None:
    """Also after a restart, and with the lengths that the register asks for."""
    again = MemberKeys("node-301", *secrets_of(KEYS))
    assert again.public_signing_key == KEYS.public_signing_key
    assert again.public_sealing_key == KEYS.public_sealing_key
    assert again.public_log_key == KEYS.public_log_key != KEYS.public_signing_key
    assert (len(again.public_signing_key), len(again.public_sealing_key)) == (32, 1216)


def test_log_tokens_are_the_organisations_own() -> None:
    """One child has one token in one organisation's log, and another in the next one's."""
    token = KEYS.log_token("A123456789012")
    assert token == KEYS.log_token("A123456789012")
    assert token not in (KEYS.log_token("A123456789013"), make_keys("node-203").log_token("A123456789012"))
    assert len(token) == 32


# --- Rotating and destroying -----------------------------------------------------------------------------------------


def test_rotation_replaces_the_keys_that_others_know_and_no_other() -> None:
    """Tokens in snapshots and logs, and the log's own signatures, go on as they were."""
    fresh = replace_keys(KEYS)
    assert (fresh.signing_seed, fresh.sealing_seed) != (KEYS.signing_seed, KEYS.sealing_seed)
    assert (fresh.log_seed, fresh.row_secret, fresh.log_secret) == (KEYS.log_seed, KEYS.row_secret, KEYS.log_secret)


def test_whoever_holds_the_ring_has_the_new_keys_at_once(tmp_path: Path) -> None:
    save_keys(KEYS, tmp_path)
    ring, fresh = KeyRing(tmp_path), replace_keys(KEYS)
    assert ring.current() == KEYS
    save_keys(fresh, tmp_path, NEXT_KEY_FILE)
    ring.take_up_next()
    assert ring.current() == load_keys(tmp_path) == fresh
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600


def test_what_is_replaced_is_overwritten_where_it_lay(tmp_path: Path) -> None:
    """Another name for the old file shows what became of its content."""
    save_keys(KEYS, tmp_path)
    os.link(tmp_path / KEY_FILE, tmp_path / "old")
    save_keys(replace_keys(KEYS), tmp_path, NEXT_KEY_FILE)
    KeyRing(tmp_path).take_up_next()
    assert set((tmp_path / "old").read_bytes()) == {0}


def test_the_first_sealing_key_is_destroyed_and_the_others_stay(tmp_path: Path) -> None:
    save_keys(KEYS, tmp_path)
    os.link(tmp_path / KEY_FILE, tmp_path / "old")
    ring = KeyRing(tmp_path)
    for _ in range(2):
        ring.destroy_first_sealing_key()
    assert ring.current() == replace(KEYS, sealing_seed=b"")
    assert set((tmp_path / "old").read_bytes()) == {0}
    with pytest.raises(KeyFileError, match="first sealing key has been destroyed"):
        _ = ring.current().sealing_key
    with pytest.raises(KeyFileError, match="first sealing key has been destroyed"):
        _ = ring.current().public_sealing_key


@pytest.mark.parametrize("step", ["federation.key_ring.destroy_file", "pathlib.Path.replace", "os.link"])
def test_an_interrupted_destruction_is_finished_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Wherever it was broken off, the keys can be read, and next time the old ones are overwritten all the same."""
    save_keys(KEYS, tmp_path)
    os.link(tmp_path / KEY_FILE, tmp_path / "old")

    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(step, fail)
        with pytest.raises(KeyboardInterrupt):
            KeyRing(tmp_path).destroy_first_sealing_key()
    assert load_keys(tmp_path).signing_seed == KEYS.signing_seed
    KeyRing(tmp_path).destroy_first_sealing_key()
    assert load_keys(tmp_path) == replace(KEYS, sealing_seed=b"")
    assert set((tmp_path / "old").read_bytes()) == {0}
    assert sorted(path.name for path in tmp_path.iterdir()) == [KEY_FILE, "old"]
