"""Presets that are added: as strict as their floor, bound to their bytes, beside those that Circe ships."""

from pathlib import Path

import pytest

from disclosure_control.preset import PresetInvalid
from disclosure_control.preset_shelf import SHIPPED, PresetShelf
from disclosure_control.presets import list_presets, load_preset
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


def test_its_version_is_bound_to_its_bytes(tmp_path: Path) -> None:
    """Two parties whose files differ by a comment do not take them for one."""
    path = write_strict(tmp_path)
    first = shelf_in(tmp_path).load(STRICT).version
    assert first == shelf_in(tmp_path).load(STRICT).version
    assert first.startswith("1-")
    path.write_text(path.read_text() + "\n# otherwise the same\n")
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
