"""Other people's text on a terminal, and on the page that approvers read: it cannot steer, hide or pass for ours."""

import msgspec
import pytest

from federation.client import derive_plan
from federation.manifest import Choice, Path, manifest_digest
from federation.reading import LEAVES_BY, describe_manifest, describe_terms
from federation.sum_terms import make_exact_terms, make_noisy_terms
from federation.terminal import WIDTH, inert_cell, plain_cell, plain_text, quote_text
from tests.small_federation import QUESTION, SmallFederation


@pytest.mark.parametrize(
    "character",
    ["\x1b", "\x07", "\r", "\x9b", "\u202e", "\u2066", "\u200b", "\u2060", "\ufeff", "\u061c", "\u00ad", "\u3164"],
    ids=ascii,
)
def test_characters_that_show_nothing_are_shown(character: str) -> None:
    assert plain_text(f"a{character}b") == "a?b"


def test_letters_of_any_script_stay() -> None:
    assert plain_text("Zoë Łukasz 李 “quoted”\n") == "Zoë Łukasz 李 “quoted”\n"


def test_a_cell_of_a_table_stays_on_its_line() -> None:
    assert plain_cell("Ann\nBob\x1b[2J\r") == "Ann?Bob?[2J?"
    assert plain_cell(12) == "12"


@pytest.mark.parametrize("text", ["=1+1", '+HYPERLINK("http://example.org")', "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_spreadsheet_runs_no_cell_of_a_file(text: str) -> None:
    assert inert_cell(text) == f"'{text}"


@pytest.mark.parametrize("cell", ["-", "Ann", "A801200005001", "", 5, -3, -0.5, None, True, "a=b"])
def test_a_cell_that_is_no_sum_stays_as_it_is(cell: object) -> None:
    assert inert_cell(cell) is cell


def test_quoted_text_cannot_hide_or_pass_for_ours() -> None:
    """Every line is behind the bar; blank lines and long runs of spaces push nothing out of sight."""
    text = "First" + "\n" * 4000 + " " * 300 + "Protection    none at all\n" + "word " * 200
    lines = list(quote_text(text))
    assert all(line.startswith("|") and len(line) <= WIDTH for line in lines)
    assert len(lines) < 20
    assert "|         Protection none at all" in lines


def page(federation: SmallFederation, sql: str = QUESTION, purpose: str = "Why not", **changes: object) -> str:
    from federation.envelope import read_envelope
    from federation.manifest import MANIFEST_TYPE

    manifest = msgspec.structs.replace(federation.manifest(sql, purpose=purpose), **changes)
    digest = manifest_digest(read_envelope(federation.sign(manifest), MANIFEST_TYPE))
    asker = federation.register.find("ana@ucl", federation.clock())
    plan = derive_plan(msgspec.structs.replace(manifest, path=Path.PER_AUTHORITY))
    return describe_manifest(manifest, digest, plan, asker)


def test_the_approvers_page_tells_from_the_plan(federation: SmallFederation) -> None:
    """A label that lies about its figure stands beside what the figure is, and the filter is read aloud."""
    sql = (
        "SELECT COUNT(*) FILTER (WHERE uasc) AS mean_attendance FROM child_year "
        "WHERE academic_year = 202425 AND sex = 'F'"
    )
    read = page(federation, sql)
    assert "mean_attendance: rows where uasc is yes" in read
    assert "sex is F" in read
    assert "academic_year is 202425" in read
    assert all(node in read for node in federation.roster)


def test_the_asker_cannot_paint_a_line_of_the_page(federation: SmallFederation) -> None:
    """What the asker wrote stands behind a bar, below everything that was told from the plan."""
    read = page(federation, purpose="Nothing to see" + " " * 90 + "  Protection    none")
    ours, quoted = read.split("What the asker wrote")
    assert ours.count("Protection") == 1
    assert "| Nothing to see Protection none" in quoted


def test_the_page_tells_what_leaves_on_each_path() -> None:
    """And for a sum who must agree, what may be missing, and what the noise is worth."""
    assert set(LEAVES_BY) == set(Path)
    noisy = dict(describe_terms(make_noisy_terms(153, "0.5"), 153))
    assert "102 of the 153" in noisy["Opened by"][0]
    assert "power of 0.5" in noisy["Noise"][0]
    assert "15 nodes are missing and 15 more" in noisy["Tolerance"][0]
    assert set(dict(describe_terms(make_exact_terms(153), 153))) == {"Opened by", "Missing"}


def test_the_page_of_a_noisy_sum_has_its_terms_and_term(federation: SmallFederation) -> None:
    read = page(federation, path=Path.NOISY_SUM, sum=make_noisy_terms(4, "2"))
    assert "each authority adds its share of noise" in read
    assert "Opened by" in read
    assert "each authority's newest of term 202425-summer" in read


def test_the_page_of_a_run_shows_what_was_chosen(federation: SmallFederation) -> None:
    read = page(federation, template="7" * 64, choices=(Choice(parameter="stage", value="KS4"),))
    assert f"template {'7' * 64}" in read
    assert "stage = KS4" in read
