"""The page of reports at a node: shown, taken as paper and as CSV, refused with what to do; never in an address."""

import csv
import io

from pypdf import PdfReader

from tests.node.pages.conftest import Browse, Send
from tests.node.pages.test_figures_pages import plain

ASKED = {"report": "virtual-school", "year": "202425", "whose": "authority", "purpose": "Annual report"}


def test_a_report_is_shown_and_taken_as_paper_and_as_csv(browse: Browse, send: Send) -> None:
    director = browse("director")
    page = send(director, "/reports", ASKED)
    assert page.status_code == 200
    assert page.request.query_string == b""
    text = plain(page.text)
    assert "Purpose: Annual report" in text
    assert "Three or more placements in the year" in text
    paper = send(director, "/reports", {**ASKED, "form": "pdf"})
    assert paper.mimetype == "application/pdf"
    document = PdfReader(io.BytesIO(paper.data))
    assert document.trailer["/Root"]["/Lang"] == "en-GB"
    said = " ".join(" ".join(each.extract_text() for each in document.pages).split())
    assert "Three or more placements in the year" in said
    tidy = send(director, "/reports", {**ASKED, "form": "csv"})
    rows = list(csv.DictReader(io.StringIO(tidy.text)))
    assert {row["geographic_level"] for row in rows} == {"Local authority", "Regional", "National"}
    shares = {f"{row['percent']}%" for row in rows if row["percent"] not in ("c", "x")}
    assert shares
    assert all(share in text for share in shares)
    wrong = {
        "purpose": send(director, "/reports", {**ASKED, "purpose": " "}),
        "year": send(director, "/reports", {**ASKED, "year": "20"}),
        "report": send(director, "/reports", {**ASKED, "report": "metrics"}),
        "school": send(director, "/reports", {**ASKED, "school": "12"}),
    }
    assert all(answer.status_code == 400 and f'href="#{name}"' in answer.text for name, answer in wrong.items())
    assert send(browse("teacher"), "/reports", {**ASKED, "school": "999999"}).status_code == 403
