"""Presets that are added: as strict as their floor, bound to their bytes, beside those that Circe ships."""

from dataclasses import replace
from pathlib import Path

import pytest

from disclosure_control.presets.preset import PresetInvalid
from disclosure_control.presets.shelf import SHIPPED, PresetShelf
from disclosure_control.presets.shipped import list_presets, load_preset
from federation.kept_presets import keep_version
from tests.added_presets import STRICT, write_strict


def shelf_in(directory: Path) -> PresetShelf:
    return PresetShelf(directory / "presets")


def test_an_added_preset_stands_beside_the_shipped_ones(tmp_path: Path) -> None:
    write_strict(tmp_path)
    shelf = shelf_in(tmp_path)
    assert shelf.names() == tuple(sorted([*list_presets(), STRICT]))
    assert [each.name for each in shelf.good()] == list(shelf.names())
    assert shelf.load(STRICT).smallest_count_shown == 12
    assert shelf.load("acro") is load_preset("acro")


def test_its_version_is_bound_to_its_rules(tmp_path: Path) -> None:
    """Two parties whose files differ by a rule do not take them for one, and a comment is no rule."""
    path = write_strict(tmp_path)
    first = shelf_in(tmp_path).load(STRICT).version
    assert first.startswith("1-")
    path.write_text(path.read_text() + "\n# otherwise the same\n")
    assert shelf_in(tmp_path).load(STRICT).version == first
    write_strict(tmp_path, 11)
    assert shelf_in(tmp_path).load(STRICT).version != first


@pytest.mark.parametrize("floor", ["acro", "ukllc", "dfe_cla"])
def test_one_that_is_looser_than_its_floor_is_no_preset(floor: str, tmp_path: Path) -> None:
    """The threshold of 9 is less than acro's and ukllc's 10; decimal places are more than dfe_cla's."""
    write_strict(tmp_path, 9, floor)
    with pytest.raises(PresetInvalid, match=f"{STRICT} is looser than {floor}"):
        shelf_in(tmp_path).load(STRICT)
    assert STRICT not in [each.name for each in shelf_in(tmp_path).good()]


@pytest.mark.parametrize("floor", ["nothing", STRICT, ""])
def test_the_floor_is_a_shipped_preset(floor: str, tmp_path: Path) -> None:
    write_strict(tmp_path, floor=floor)
    with pytest.raises(PresetInvalid, match="floor must name the preset"):
        shelf_in(tmp_path).load(STRICT)


def test_a_shipped_preset_cannot_be_replaced(tmp_path: Path) -> None:
    """A file of its name changes nothing."""
    path = write_strict(tmp_path)
    path.rename(path.with_name("opensafely.toml"))
    assert shelf_in(tmp_path).load("opensafely") is load_preset("opensafely")


def test_a_file_must_call_itself_what_it_is_called(tmp_path: Path) -> None:
    path = write_strict(tmp_path)
    path.rename(path.with_name("other.toml"))
    with pytest.raises(PresetInvalid, match="name must be the file's own"):
        shelf_in(tmp_path).load("other")


@pytest.mark.parametrize("content", [b"\xff", b"floor ="])
def test_what_is_no_preset_is_refused(content: bytes, tmp_path: Path) -> None:
    write_strict(tmp_path).write_bytes(content)
    with pytest.raises(PresetInvalid, match="is not TOML"):
        shelf_in(tmp_path).load(STRICT)


@pytest.mark.parametrize("name", ["", "no_such", f"../presets/{STRICT}", f"{STRICT}.toml"])
def test_what_is_not_there_is_refused_with_what_is(name: str, tmp_path: Path) -> None:
    write_strict(tmp_path)
    with pytest.raises(PresetInvalid, match=f"choose one of: .*{STRICT}"):
        shelf_in(tmp_path).load(name)
    with pytest.raises(PresetInvalid, match="choose one of"):
        SHIPPED.load(STRICT)


# --- Versions that were in use -------------------------------------------------------------------------------------


def test_a_version_that_was_in_use_is_found_by_its_rules_of_then(tmp_path: Path) -> None:
    shelf = shelf_in(tmp_path)
    write_strict(tmp_path)
    first = shelf.load(STRICT)
    keep_version(shelf, first)
    write_strict(tmp_path, 11, version="2")
    second = shelf.load(STRICT)
    keep_version(shelf, second)
    assert [shelf.find(STRICT, each.version) for each in (first, second)] == [first, second]
    assert STRICT in shelf.names()
    (tmp_path / "presets" / f"{STRICT}.toml").unlink()
    assert shelf.find(STRICT, second.version) == second


def test_a_file_that_is_changed_under_its_version_is_refused_until_it_has_another(tmp_path: Path) -> None:
    shelf = shelf_in(tmp_path)
    write_strict(tmp_path)
    first = shelf.load(STRICT)
    keep_version(shelf, first)
    write_strict(tmp_path, 11)
    changed = shelf.load(STRICT)
    with pytest.raises(PresetInvalid, match="version 1 was in use with other rules"):
        keep_version(shelf, changed)
    assert shelf.find(STRICT, first.version) == first
    with pytest.raises(PresetInvalid, match="is not here"):
        shelf.find(STRICT, changed.version)
    write_strict(tmp_path)
    keep_version(shelf, shelf.load(STRICT))


def test_so_is_one_that_circe_ships(tmp_path: Path) -> None:
    shelf, shipped = shelf_in(tmp_path), load_preset("acro")
    keep_version(shelf, shipped)
    with pytest.raises(PresetInvalid, match="acro: version 3 was in use with other rules"):
        keep_version(shelf, replace(shipped, smallest_count_shown=9))
    assert shelf.find("acro", "3") == shipped


def test_what_was_kept_and_is_damaged_is_no_preset(tmp_path: Path) -> None:
    shelf = shelf_in(tmp_path)
    keep_version(shelf, load_preset("acro"))
    place = shelf.place("acro", "3")
    assert place is not None
    place.write_bytes(place.read_bytes()[:-1])
    with pytest.raises(PresetInvalid, match="acro"):
        shelf.find("acro", "3")
    with pytest.raises(PresetInvalid, match="acro"):
        keep_version(shelf, load_preset("acro"))


@pytest.mark.parametrize("version", ["9", "", "../1", "1-../../x", "1/..", "1" * 40])
def test_a_version_that_is_not_here_is_told_with_where_it_belongs(version: str, tmp_path: Path) -> None:
    for shelf in (shelf_in(tmp_path), SHIPPED):
        with pytest.raises(PresetInvalid, match="is not here: copy kept/acro-"):
            shelf.find("acro", version)


def test_without_a_folder_of_ones_own_nothing_is_kept() -> None:
    keep_version(SHIPPED, load_preset("acro"))
    assert SHIPPED.place("acro", "3") is None
    assert SHIPPED.find("acro", "3") is load_preset("acro")


@pytest.mark.parametrize("number", ["", "1-2", "A", "1/2", "../1"])
def test_a_version_is_a_number_that_can_stand_in_a_name(number: str, tmp_path: Path) -> None:
    write_strict(tmp_path, version=number)
    with pytest.raises(PresetInvalid, match="version must be a number"):
        shelf_in(tmp_path).load(STRICT)
