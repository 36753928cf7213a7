"""The public margins: written from a synthetic England, in the form of the file that Circe ships."""

import csv
from pathlib import Path

from node.synth.frequencies import FILE, HEADER, write_frequencies


def read_lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_a_small_england_has_the_columns_of_the_shipped_file(tmp_path: Path) -> None:
    """The England is the same each time (see the tests of its files), and so is what is counted in it."""
    file = tmp_path / "frequencies.csv"
    write_frequencies(file, authorities=("821",), scale=0.05)
    lines, shipped = read_lines(file), read_lines(FILE)
    assert tuple(lines[0]) == tuple(shipped[0]) == HEADER
    assert lines == sorted(lines, key=lambda each: tuple(each.values()))
    assert {(each["table"], each["column"]) for each in lines} <= {(each["table"], each["column"]) for each in shipped}
    assert all(0 < float(each["share"]) <= 1 for each in lines)
