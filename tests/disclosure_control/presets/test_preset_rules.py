"""The rules of a preset as bytes: one encoding, one digest, and none that is changed without a new version."""

import json
import tomllib
from dataclasses import replace

import pytest

from disclosure_control.presets.preset import PresetInvalid
from disclosure_control.presets.rules import digest_rules, name_added, number_of, read_rules, write_rules
from disclosure_control.presets.shipped import FOLDER, list_presets, load_preset

DIGESTS = {
    ("acro", "1"): "dbe492a86177de1f",
    ("acro", "2"): "0fed3706bf676799",
    ("acro", "3"): "aa63386e4958b902",
    ("dfe_cin", "1"): "e876d636a3d0f1db",
    ("dfe_cin", "2"): "9c610cdbbbce3bff",
    ("dfe_cin", "3"): "9099db5d0159c4e3",
    ("dfe_cla", "2"): "79a56712f355696f",
    ("dfe_cla", "3"): "4ab5613337430368",
    ("dfe_cla", "4"): "4b493880fa5ad633",
    ("nhs_hes", "1"): "8fc319169bca9a58",
    ("nhs_hes", "2"): "6ea21db6c609a5a9",
    ("nhs_hes", "3"): "ac9dd8529beaee54",
    ("ofqual", "1"): "50eee3b9268a22a0",
    ("ofqual", "2"): "c14ab85a01ca5e1b",
    ("ofqual", "3"): "e0c414a92fd7896d",
    ("ons_10_5", "1"): "0ea3ab54b2320f03",
    ("ons_10_5", "2"): "7ccb5f5bda8a6be6",
    ("ons_10_5", "3"): "b4fe76aac60c75a9",
    ("ons_cell_key", "1"): "88ff5ef4459ff98f",
    ("ons_cell_key", "2"): "2d3d4c6ded0d2065",
    ("opensafely", "1"): "dd3302adc64bc6a2",
    ("opensafely", "2"): "6f70481ebbf53cbb",
    ("opensafely", "3"): "71f89f6e02df7a8a",
    ("ukllc", "1"): "1b6241c6d65d5f85",
    ("ukllc", "2"): "153c6f7463851da9",
    ("ukllc", "3"): "d9e706ec1f0eb384",
}
"""Of every version that Circe has shipped, the digest of its rules. One that is changed here is a new version there."""


@pytest.mark.parametrize("name", list_presets())
def test_what_circe_ships_has_a_new_version_when_it_changes(name: str) -> None:
    preset = load_preset(name)
    assert DIGESTS[name, preset.version] == digest_rules(preset)[:16]


@pytest.mark.parametrize("name", list_presets())
def test_rules_are_read_as_they_were_written(name: str) -> None:
    preset = load_preset(name)
    assert read_rules(write_rules(preset), name) == preset
    assert digest_rules(preset.at("nation")) == digest_rules(preset)


@pytest.mark.parametrize("name", list_presets())
def test_the_rules_are_all_that_the_file_says(name: str) -> None:
    entries = tomllib.loads((FOLDER / f"{name}.toml").read_text())
    assert json.loads(write_rules(load_preset(name))) == {**entries, "symbols": sorted(entries["symbols"])}


def test_an_added_version_ends_in_the_beginning_of_its_digest() -> None:
    preset = load_preset("acro")
    version = name_added(preset)
    assert version == f"{preset.version}-{digest_rules(preset)[:12]}"
    assert number_of(version) == preset.version
    assert name_added(replace(preset, version=version)) == version


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[1]", b"\xff", b'{"name":"acro"}', b" " + write_rules(load_preset("acro")), b"1" * 5000],
    ids=["empty", "no rules", "a list", "no text", "rules missing", "another encoding", "a long number"],
)
def test_nothing_else_is_read(content: bytes) -> None:
    with pytest.raises(PresetInvalid):
        read_rules(content, "acro")
