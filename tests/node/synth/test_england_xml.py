"""The return as XML says what the CSV tables say: every row of every table, and nothing else."""

from collections import Counter
from pathlib import Path
from xml.etree.ElementTree import Element, iterparse

import pytest

from node.synth.england import write_england
from tests.node.synth.conftest import England, Row

REPEATED = {
    "EPISODE": "episodes",
    "AREVIEW": "reviews",
    "AMISSING": "missing",
    "OC2": "oc2",
    "PERMANENCE": "previous_permanence",
    "AD_PLACED": "placed_for_adoption",
    "SWEPISODE": "sw_episodes",
}
RENAMED = {"CHILDID": "CHILD", "PL": "PLACE"}
IN_HEADER = {"ad1": "DATE_INT", "oc3": "IN_TOUCH"}

Item = tuple[str, str, frozenset[tuple[str, str]]]


def _texts(element: Element) -> dict[str, str]:
    return {RENAMED.get(part.tag, part.tag): part.text or "" for part in element if not len(part)}


def _in_xml(path: Path) -> tuple[Counter[Item], dict[str, dict[str, str]]]:
    """The rows of the repeated elements, and what each header says."""
    rows: Counter[Item] = Counter()
    headers: dict[str, dict[str, str]] = {}
    for _, child in iterparse(path):
        if child.tag == "CHILD":
            header = child.find("HEADER")
            assert header is not None
            said = _texts(header)
            headers[said["CHILD"]] = said
            for part in (*header, *child):
                if part.tag in REPEATED:
                    rows[REPEATED[part.tag], said["CHILD"], frozenset(_texts(part).items())] += 1
    return rows, headers


def _said(row: Row, *but: str) -> frozenset[tuple[str, str]]:
    return frozenset((name, value) for name, value in row.items() if value and name not in but)


@pytest.mark.parametrize("folder", ["", "202425/", "202324/"])
def test_xml_and_csv_say_the_same(whole: England, folder: str) -> None:
    """Row by row, for every authority and year; two items have other names in XML."""
    for code in whole.codes:
        rows, headers = _in_xml(whole.summary.directory / code / folder / "ssda903.xml")
        wanted: Counter[Item] = Counter()
        for table in REPEATED.values():
            for row in whole.read(code, f"{folder}ssda903/{table}"):
                wanted[table, row["CHILD"], _said(row, "CHILD", "DOB")] += 1
        assert rows == wanted
        for row in whole.read(code, f"{folder}ssda903/header"):
            assert _said(row) <= set(headers[row["CHILD"]].items())
        uasc = {row["CHILD"]: row for row in whole.read(code, f"{folder}ssda903/uasc")}
        assert {child for child, said in headers.items() if said["UASC"] == "1"} == set(uasc)
        for table, item in IN_HEADER.items():
            found = {row["CHILD"]: row for row in whole.read(code, f"{folder}ssda903/{table}")}
            assert {child for child, said in headers.items() if item in said} == set(found)
            for child, row in found.items():
                assert _said(row, "CHILD", "DOB") <= set(headers[child].items())


def test_xml_is_written_only_when_asked_for(estuary: England) -> None:
    assert not list(estuary.summary.directory.rglob("*.xml"))


def test_a_dirty_return_is_xml_all_the_same(tmp_path: Path) -> None:
    """Children without a header row have an element too, with what else is said of them."""
    write_england(tmp_path, authorities=["317"], seed=4, scale=0.3, dirty=True, xml=True)
    _, headers = _in_xml(tmp_path / "317" / "ssda903.xml")
    assert any(set(said) == {"CHILD", "UASC"} for said in headers.values())
