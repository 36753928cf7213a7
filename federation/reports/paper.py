"""A report as an accessible PDF: tagged after PDF/UA-1 (ISO 14289), with language, title, headings and table headers.

Typst typesets it, and refuses to write a file that breaks the standard. The report goes in as data, never as markup,
so that nothing in it can be read as an instruction; fonts are those that Typst brings along, and the same report gives
the same bytes on every machine.
"""

from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from federation.reports.written import WrittenReport, WrittenSection

__all__ = ["STANDARD", "write_paper"]

STANDARD: Final = "ua-1"

_LAYOUT = Path(__file__).with_name("paper.typ")


def write_paper(report: WrittenReport) -> bytes:
    """Return the report as a PDF."""
    import typst

    said = msgspec.json.encode(_describe(report)).decode()
    paper: bytes = typst.compile(
        _read_layout(), sys_inputs={"report": said}, pdf_standards=[STANDARD], ignore_system_fonts=True
    )
    return paper


@cache
def _read_layout() -> bytes:
    return _LAYOUT.read_bytes()


def _describe(report: WrittenReport) -> dict[str, object]:
    return {
        "heading": report.heading,
        "audience": report.audience,
        "about": report.about,
        "sections": [_describe_section(each) for each in report.sections],
        "reading": report.reading,
        "sources": report.sources,
    }


def _describe_section(section: WrittenSection) -> dict[str, object]:
    return {
        "title": section.title,
        "words": section.words,
        "tables": [{**asdict(each), "numeric": each.numeric} for each in section.tables],
        "missing": section.missing,
    }
