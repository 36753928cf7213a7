"""Several years: the same children, older; and care that passes from one authority to another."""

from collections import Counter, defaultdict
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from node.synth.england import write_england
from tests.node.synth.conftest import England, Row, read_day, read_rows
from tests.node.synth.test_england_files import _bytes

YEARS = {"202324": "202324/", "202425": "202425/", "202526": ""}
NOW = {"H5": "K3", **dict.fromkeys(("Z11", "Z12", "Z13", "Z14"), "Z1")}
"""Semi-independent living became supported accommodation, and other placements were told apart."""
SEXES = {"1": "M", "2": "F"}  # as returns before 2024/25 write it
LAST_DAYS = {"202324": date(2024, 3, 31), "202425": date(2025, 3, 31), "202526": date(2026, 3, 31)}


def _in_one_code(row: Row) -> Row:
    return row | {"PLACE": NOW.get(row["PLACE"], row["PLACE"])}


def _by_child(england: England, code: str, year: str, table: str) -> dict[str, list[Row]]:
    found = defaultdict(list)
    for row in england.read(code, f"{YEARS[year]}ssda903/{table}"):
        found[row["CHILD"]].append(row)
    return found


def test_every_year_has_a_return_and_three_terms(whole: England) -> None:
    """The last year at the top of the folder, each earlier one in a folder named after it."""
    for code in whole.codes:
        for year, folder in YEARS.items():
            assert (whole.summary.directory / code / folder / "ssda903" / "episodes.csv").exists()
            second = f"20{year[4:]}"
            assert whole.read(code, f"{folder}school-census/{second}_spring_pupilonroll")


def test_a_child_is_the_same_in_every_year(whole: England) -> None:
    """Birth, ethnicity and UPN stay, except that a child under school age has no UPN yet; sex changes its code once."""
    seen_again = 0
    for code in whole.codes:
        headers = [_by_child(whole, code, year, "header") for year in YEARS]
        for earlier, later in pairwise(headers):
            for child in earlier.keys() & later.keys():
                one, two = earlier[child][0], later[child][0]
                assert (one["DOB"], one["ETHNIC"]) == (two["DOB"], two["ETHNIC"])
                assert SEXES.get(one["SEX"], one["SEX"]) == two["SEX"]
                assert one["UPN"] in {two["UPN"], "UN1"}
                seen_again += 1
    assert seen_again > 1_000


def test_histories_only_grow(whole: England) -> None:
    """What one return says of an episode the next one says too; only an episode still open may have ended since."""
    compared = 0
    for code in whole.codes:
        chains = [_by_child(whole, code, year, "episodes") for year in YEARS]
        for earlier, later in pairwise(chains):
            for child in earlier.keys() & later.keys():
                *closed, last = map(_in_one_code, earlier[child])
                told_again = [_in_one_code(row) for row in later[child]]
                assert closed == told_again[: len(closed)]
                following = told_again[len(closed)]
                told = ("DECOM", "RNE", "LS", "CIN", "PLACE_PROVIDER", "PL_POST")
                assert [last[name] for name in told] == [following[name] for name in told]
                assert not last["DEC"] or last == following
                compared += 1
    assert compared > 1_000


def test_who_leaves_is_gone_and_who_stays_is_there(whole: England) -> None:
    """An open episode at 31 March is in the next return; one that ended is not."""
    for code in whole.codes:
        years = list(YEARS)
        for year, following in pairwise(years):
            later = _by_child(whole, code, following, "episodes")
            for child, chain in _by_child(whole, code, year, "episodes").items():
                if chain[-1]["LS"] != "V4":
                    assert (child in later) == (chain[-1]["DEC"] == "")


def test_every_year_is_about_as_large(whole: England) -> None:
    """Children looked after at 31 March: histories read backwards leave no year emptier than a tenth."""
    counts = Counter(
        year
        for code in whole.codes
        for year in YEARS
        for chain in _by_child(whole, code, year, "episodes").values()
        if not chain[-1]["DEC"] and chain[-1]["LS"] != "V4"
    )
    assert min(counts.values()) > 0.88 * max(counts.values())


def test_no_return_knows_what_comes_after_it(whole: England) -> None:
    for code in whole.codes:
        for year, last in LAST_DAYS.items():
            for chain in _by_child(whole, code, year, "episodes").values():
                assert read_day(chain[-1]["DECOM"]) <= last
                assert not chain[-1]["DEC"] or read_day(chain[-1]["DEC"]) <= last


def test_social_workers_and_decisions_are_told_alike(whole: England) -> None:
    """The social worker at the end of a year begins the next one; the day adoption was decided never changes."""
    stayed = 0
    for code in whole.codes:
        for year, following in pairwise(YEARS):
            later = _by_child(whole, code, following, "sw_episodes")
            for child, rows in _by_child(whole, code, year, "sw_episodes").items():
                if child in later and not rows[-1]["SW_DEC"]:
                    first = later[child][0]
                    same = (rows[-1]["SW_ID"], rows[-1]["SW_DECOM"]) == (first["SW_ID"], first["SW_DECOM"])
                    assert same or read_day(first["SW_DECOM"]) > LAST_DAYS[year]
                    stayed += same
            decided = _by_child(whole, code, following, "placed_for_adoption")
            for child, rows in _by_child(whole, code, year, "placed_for_adoption").items():
                if child in decided:
                    assert rows[0]["DATE_PLACED"] == decided[child][0]["DATE_PLACED"]
    assert stayed > 500


def test_care_leavers_grow_older_and_were_in_care(whole: England) -> None:
    """A leaver keeps the identifier of the return before; some were in care until 18 in a year that is written."""
    came_of_age = 0
    for code in whole.codes:
        earlier = _by_child(whole, code, "202425", "oc3")
        before = _by_child(whole, code, "202425", "episodes")
        for child, rows in _by_child(whole, code, "202526", "oc3").items():
            if child in earlier:
                assert earlier[child][0]["DOB"] == rows[0]["DOB"]
            came_of_age += child in before
            assert child not in _by_child(whole, code, "202526", "episodes")
    assert came_of_age > 20


def test_school_histories_agree_with_days_of_entry(whole: England) -> None:
    """A pupil whose day of entry lies before a census was at that school then; everyone is a year group younger."""
    stayed = moved = 0
    for code in whole.codes:
        schools = {row["NativeId"]: row["urn"] for row in whole.census(code, "2025_autumn", "schoolcensus")}
        before = {row["upn"]: row for row in whole.read(code, "202425/school-census/2025_spring_pupilonroll")}
        for row in whole.census(code, "2025_autumn", "pupilonroll"):
            earlier = before.get(row["upn"])
            if earlier is None:
                continue
            assert _group(row) == _group(earlier) + 1
            if _day(row["entrydate"]) <= date(2024, 10, 3):
                assert schools[earlier["NativeId"]] == schools[row["NativeId"]]
                stayed += 1
            else:
                moved += schools[earlier["NativeId"]] != schools[row["NativeId"]]
    assert stayed > 500
    assert moved > 100


def test_further_years_only_add_to_the_last(tmp_path: Path) -> None:
    """Every file of one year is the beginning of the same file of that year among several.

    But for what an autumn census tells of the summer before: of that, one year has somebody else's figures.
    """
    for name, years in (("one", 1), ("two", 2)):
        write_england(tmp_path / name, authorities=3, seed=3, scale=0.1, academic_year=202526, years=years)
    one, two = _bytes(tmp_path / "one"), _bytes(tmp_path / "two")
    of_last_summer = ("_autumn_pupilonroll.csv", "_autumn_termlysessiondetailsonroll.csv")
    assert all(
        two[path].startswith(content)
        for path, content in one.items()
        if path != "england.json" and not path.endswith(of_last_summer)
    )


def test_earlier_returns_have_the_tables_and_codes_of_their_year(tmp_path: Path) -> None:
    """No social workers before 2023/24, and no supported accommodation (K3) before 2024/25."""
    write_england(tmp_path, authorities=["316"], seed=1, scale=0.2, academic_year=202425, years=4)
    kinds = {}
    for year, folder in (("202122", "202122/"), ("202324", "202324/"), ("202425", "")):
        places = {row["PLACE"] for row in read_rows(tmp_path / "316" / folder / "ssda903" / "episodes.csv")}
        kinds[year] = places & {"H5", "K3"}
    assert kinds == {"202122": {"H5"}, "202324": {"H5"}, "202425": {"K3"}}
    assert not (tmp_path / "316" / "202122" / "ssda903" / "sw_episodes.csv").exists()
    assert (tmp_path / "316" / "202324" / "ssda903" / "sw_episodes.csv").exists()


def _transfers(england: England) -> list[tuple[Row, Row, Row, Row]]:
    """Header and last episode where care was passed on; header and first episode where it was taken over."""
    started = defaultdict(list)
    for _, header, chain in england.chains():
        started[header["DOB"], header["SEX"], chain[0]["DECOM"]].append((header, chain[0]))
    return [
        (header, chain[-1], there, first)
        for _, header, chain in england.chains()
        if chain[-1]["REC"] == "E3"
        for there, first in started[header["DOB"], header["SEX"], chain[-1]["DEC"]]
    ]


def test_care_passes_from_one_authority_to_another(england: England) -> None:
    """E3 at one, S on the same day at the other: the same UPN and placement, and another identifier."""
    passed = _transfers(england)
    ended = [chain[-1]["REC"] for _, _, chain in england.chains() if chain[-1]["REC"]]
    assert len(passed) >= 0.95 * ended.count("E3")
    assert ended.count("E3") / len(ended) == pytest.approx(0.08, abs=0.02)
    for header, last, there, first in passed:
        assert first["RNE"] == "S"
        assert there["UPN"] == header["UPN"]
        assert there["ETHNIC"] == header["ETHNIC"]
        assert first["PL_POST"] == last["PL_POST"]
        assert there["CHILD"] != header["CHILD"]
    assert sum(each.taken_over for each in england.summary.authorities.values()) == len(passed)


def _group(row: Row) -> int:
    return 0 if row["ncyearactual"] == "R" else int(row["ncyearactual"])


def _day(text: str) -> date:
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return date(int(text[:4]), 1 + months.index(text[5:8]), int(text[9:11]))
