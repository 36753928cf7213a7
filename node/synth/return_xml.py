"""The SSDA903 return as one XML file, root EXPSSDA903, with what the CSV tables beside it say and nothing else.

Two items have other names than in the CSV files: CHILDID for CHILD, and PL for PLACE. A table that the schema keeps in
the HEADER of a child becomes items of it (UASC, AD1, OC3); one that repeats becomes an element for each row. A child
has one HEADER, so of two header rows for the same child the first is written.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

NAME = "ssda903.xml"

Row = dict[str, str]

_HEADER = ("CHILD", "UPN", "SEX", "DOB", "ETHNIC")
_MOTHER = ("MOTHER", "MC_DOB")
_IN_HEADER = {
    "uasc": ("DUC",),
    "ad1": ("DATE_INT", "DATE_MATCH", "FOSTER_CARE", "NB_ADOPTR", "SEX_ADOPTR", "LS_ADOPTR"),
    "oc3": ("IN_TOUCH", "ACTIV", "ACCOM"),
}
_BEFORE_MOTHER = {"missing": "AMISSING", "reviews": "AREVIEW"}
_AFTER_MOTHER = {
    "previous_permanence": "PERMANENCE",
    "oc2": "OC2",
    "placed_for_adoption": "AD_PLACED",
    "sw_episodes": "SWEPISODE",
}
_OF_THE_CHILD = frozenset({"CHILD", "DOB"})  # said once, in the header
_RENAMED = {"CHILD": "CHILDID", "PLACE": "PL"}


def write_return_xml(folder: Path) -> None:
    """Write `ssda903.xml` beside the folder `ssda903` of CSV tables, from those tables."""
    tables = {path.stem: _by_child(path) for path in sorted((folder / "ssda903").glob("*.csv"))}
    with (folder / NAME).open("w", encoding="utf-8", newline="\n") as lines:
        lines.write('<?xml version="1.0" encoding="UTF-8"?>\n<EXPSSDA903>\n')
        for child in _children(tables):
            lines.writelines(_child_lines(child, tables))
        lines.write("</EXPSSDA903>\n")


def _by_child(path: Path) -> Mapping[str, list[Row]]:
    rows: dict[str, list[Row]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            rows[row["CHILD"]].append(row)
    return rows


def _children(tables: Mapping[str, Mapping[str, list[Row]]]) -> list[str]:
    """Every child that any table names, those with a header first and in its order."""
    found = dict.fromkeys(tables["header"])
    for rows in tables.values():
        found.update(dict.fromkeys(rows))
    return list(found)


def _child_lines(child: str, tables: Mapping[str, Mapping[str, list[Row]]]) -> Iterator[str]:
    header = next(iter(tables["header"].get(child, [])), {"CHILD": child})
    yield f"<CHILD>\n<HEADER>\n{_items(header, _HEADER)}<UASC>{int(child in tables['uasc'])}</UASC>\n"
    for table, names in _IN_HEADER.items():
        for row in tables[table].get(child, [])[:1]:
            yield _items(row, names)
    yield from _repeated(child, tables, _BEFORE_MOTHER)
    yield _items(header, _MOTHER)
    yield from _repeated(child, tables, _AFTER_MOTHER)
    yield "</HEADER>\n"
    yield from _repeated(child, tables, {"episodes": "EPISODE"})
    yield "</CHILD>\n"


def _repeated(child: str, tables: Mapping[str, Mapping[str, list[Row]]], elements: Mapping[str, str]) -> Iterator[str]:
    """One element for each row of a child in these tables, without what the header says already."""
    for table, element in elements.items():
        for row in tables.get(table, {}).get(child, []):
            yield f"<{element}>\n{_items(row, [name for name in row if name not in _OF_THE_CHILD])}</{element}>\n"


def _items(row: Row, names: Iterable[str]) -> str:
    """One element for each value that is not empty."""
    filled = ((_RENAMED.get(name, name), row[name]) for name in names if row.get(name))
    return "".join(f"<{name}>{escape(value)}</{name}>\n" for name, value in filled)
