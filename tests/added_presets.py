"""Presets of a party's own, written as its officers would write them."""

import re
from pathlib import Path

from disclosure_control.presets.shipped import FOLDER

STRICT = "our_twelve"
"""Opensafely with a threshold of 12."""

OWN = "our_own"
"""Any other."""


def write_strict(directory: Path, least: int = 12, floor: str = "opensafely", version: str = "1") -> Path:
    """A preset of one's own in a party's directory: opensafely with another threshold."""
    text = (
        (FOLDER / "opensafely.toml").read_text().replace('name = "opensafely"', f'name = "{STRICT}"\nfloor = "{floor}"')
    )
    text = re.sub('version = "[0-9]+"', f'version = "{version}"', text)
    for rule in ("smallest_count_shown", "minimum_n_mean", "minimum_n_spread", "minimum_n_model"):
        old = 8 if rule == "smallest_count_shown" else 10
        assert f"{rule} = {old}\n" in text
        text = text.replace(
            f"{rule} = {old}\n", f"{rule} = {least if rule == 'smallest_count_shown' else max(least, 10)}\n"
        )
    path = directory / "presets" / f"{STRICT}.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def write_own(directory: Path, floor: str, version: str = "1", **rules: object) -> Path:
    """A preset of one's own in a party's directory: a shipped one with other rules, each a line of its file."""
    text = (FOLDER / f"{floor}.toml").read_text()
    for rule, value in {"name": f'"{OWN}"\nfloor = "{floor}"', "version": f'"{version}"', **rules}.items():
        text, found = re.subn(rf"^{rule} = (?!\"\"\").*$", f"{rule} = {value}", text, flags=re.MULTILINE)
        assert found == 1, rule
    path = directory / "presets" / f"{OWN}.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path
