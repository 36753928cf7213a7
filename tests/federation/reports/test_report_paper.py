"""The PDF of a report: tagged, with language, title, headings and table headers, and its text as it was written."""

import io
from collections.abc import Iterator
from functools import cache
from typing import Any

from pypdf import PdfReader

from federation.reports.declared import find_report
from federation.reports.paper import write_paper
from federation.reports.places import Place
from federation.reports.writing import write_report
from federation.reports.written import WrittenReport, WrittenSection, WrittenTable
from tests.federation.reports.drawn_shelf import DrawnShelf

HOSTILE = '#panic("x") $x$ *bold* @cite <label> \\ [ ] { } ` _ // /* http://a.test =1+1 #include "/etc/passwd"'


@cache
def make_report() -> WrittenReport:
    return write_report(find_report("virtual-school"), Place("authority", "301"), 202425, DrawnShelf())


@cache
def read_paper() -> PdfReader:
    return PdfReader(io.BytesIO(write_paper(make_report())))


def list_tags(element: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the way to each element of the structure, by the names of the tags."""
    found = element.get_object() if hasattr(element, "get_object") else element
    if isinstance(found, list):
        for each in found:
            yield from list_tags(each, above)
    elif hasattr(found, "get"):
        here = (*above, str(found["/S"])) if "/S" in found else above
        if "/S" in found:
            yield here
        if "/K" in found:
            yield from list_tags(found["/K"], here)


def read_text(reader: PdfReader) -> str:
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())


def test_the_document_says_its_language_and_its_title() -> None:
    root = read_paper().trailer["/Root"]
    assert root["/Lang"] == "en-GB"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert read_paper().metadata is not None
    assert read_paper().metadata.title == make_report().heading  # type: ignore[union-attr, unused-ignore]


def test_the_document_is_tagged_and_claims_the_standard() -> None:
    root = read_paper().trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert b"pdfuaid:part" in root["/Metadata"].get_object().get_data()


def test_every_heading_and_table_is_in_the_structure_with_its_headers() -> None:
    report, tags = make_report(), list(list_tags(read_paper().trailer["/Root"]["/StructTreeRoot"]))
    tables = [table for section in report.sections for table in section.tables]
    assert len(tables) > 5
    kinds = [each[-1] for each in tags]
    assert kinds.count("/Table") == kinds.count("/Caption") == len(tables)
    assert kinds.count("/TH") == sum(len(table.columns) for table in tables)
    assert kinds.count("/TD") == sum(len(row) for table in tables for row in table.rows)
    assert kinds.count("/H1") == len(report.sections) + 2
    assert all("/THead" in each for each in tags if each[-1] == "/TH")


def test_the_text_is_what_was_written() -> None:
    text = read_text(read_paper())
    for section in make_report().sections:
        assert section.title in text
        for table in section.tables:
            assert table.caption in text
            assert table.rows[0][2] in text


def test_the_same_report_gives_the_same_bytes() -> None:
    paper = write_paper(make_report())
    assert paper.startswith(b"%PDF")
    assert paper == write_paper(make_report())


def test_nothing_in_a_report_is_read_as_markup() -> None:
    """Words come in as data: whatever they are, they are set as they stand."""
    table = WrittenTable(HOSTILE, (HOSTILE, "n"), ((HOSTILE, "1"),))
    section = WrittenSection(HOSTILE, (HOSTILE,), (table,), (HOSTILE,))
    report = WrittenReport("x", HOSTILE, Place("nation"), 202425, HOSTILE, HOSTILE, (section,), (), (HOSTILE,))
    text = read_text(PdfReader(io.BytesIO(write_paper(report))))
    assert text.replace(" ", "").count(HOSTILE.replace(" ", "")) >= 8
