"""Every chain of episodes is one the return's rules allow: the main rules, checked row by row."""

from datetime import date
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from node.synth.calibration import seeded
from node.synth.collection_year import Day, collection_year
from node.synth.episodes import Episode, cut_episodes
from node.synth.geography import draw_borders
from node.synth.legal import draw_legal
from node.synth.people import draw_ceased, draw_looked_after, draw_short_breaks
from node.synth.placements import draw_care
from node.synth.postcodes import load_places
from tests.node.synth.conftest import England, Row, read_day

FIRST, LAST = date(2024, 4, 1), date(2025, 3, 31)
WAYS_IN = (draw_looked_after, draw_ceased, draw_short_breaks)


def _chain(seed: int, way_in: int) -> tuple[Episode, ...]:
    year, chance = collection_year(202425), seeded(seed, "one child")
    person, period = WAYS_IN[way_in](chance, year)
    borders = draw_borders(("301", "316", "886"), load_places(), seed)["301"]
    care = draw_care(chance, person, period, draw_legal(chance, person, period, year), year, borders)
    assert person.born <= period.start
    return cut_episodes(chance, care)


@given(seed=st.integers(0, 10**9), way_in=st.sampled_from(range(len(WAYS_IN))))
@settings(max_examples=200, derandomize=True, deadline=None)
def test_a_chain_has_no_gap_and_no_overlap(seed: int, way_in: int) -> None:
    """S first and only first; each episode lasts a day or more and ends as the next begins; only the last is open."""
    chain = _chain(seed, way_in)
    assert [episode.reason_started == "S" for episode in chain] == [True] + [False] * (len(chain) - 1)
    for earlier, later in pairwise(chain):
        assert earlier.end == later.start
        assert earlier.start < later.start
        assert earlier.reason_ended == "X1"
    final = chain[-1]
    assert final.reason_ended != "X1"
    assert (final.end is None) == (final.reason_ended == "")
    assert final.end is None or final.start < final.end


@given(seed=st.integers(0, 10**9), way_in=st.sampled_from(range(len(WAYS_IN))))
@settings(max_examples=200, derandomize=True, deadline=None)
def test_the_reason_of_an_episode_says_what_changed(seed: int, way_in: int) -> None:
    """L legal status, P placement, B both, T and U the same with one carer; only a move has a reason."""
    for earlier, later in pairwise(_chain(seed, way_in)):
        legal = earlier.legal_status != later.legal_status
        moved = earlier.spell is not later.spell
        same_carer = moved and later.spell.same_carer
        expected = {
            (True, False): "L",
            (False, True): "T" if same_carer else "P",
            (True, True): "U" if same_carer else "B",
        }
        assert later.reason_started == expected[legal, moved]
        assert bool(earlier.reason_moved) == moved
        assert (earlier.reason_moved == "PLACE") == same_carer


def _age(born: str, then: str) -> int:
    first, second = read_day(born), read_day(then)
    return second.year - first.year - ((second.month, second.day) < (first.month, first.day))


def test_the_law_of_placements(estuary: England) -> None:
    """Not with parents under section 20, in supported accommodation before 16, or with adopters without an order."""
    seen = set()
    for code, header, chain in estuary.chains():
        for row in chain:
            seen.add(row["PLACE"])
            assert row["PLACE"] != "P1" or row["LS"] not in {"V2", "V4"}
            assert row["PLACE"] != "K3" or _age(header["DOB"], row["DECOM"]) >= 16
            assert row["PLACE"] not in {"A5", "A6"} or row["LS"] == "E1"
            assert (row["PLACE_PROVIDER"] == "PR0") == (row["PLACE"] == "P1")
            assert not (row["HOME_POST"] and row["HOME_POST"] == row["PL_POST"]) or row["PLACE"] == "P1"
            assert row["URN"].startswith(("SC9", "")), code
        adopted = chain[-1]["REC"] in {"E11", "E12"}
        assert not adopted or chain[-1]["PLACE"] in {"A5", "A6"}
        assert chain[-1]["REC"] not in {"E17", "E5", "E6", "E7"} or _age(header["DOB"], chain[-1]["DEC"]) == 18
    assert seen >= {"U1", "U3", "U4", "U6", "K2", "K3", "P1", "A6"}


def test_every_child_is_in_care_in_the_year(estuary: England) -> None:
    """Nothing is returned of children who left before the year, and no episode begins or ends after it."""
    for _, _, chain in estuary.chains():
        assert read_day(chain[-1]["DECOM"]) <= LAST
        assert not chain[-1]["DEC"] or FIRST <= read_day(chain[-1]["DEC"]) <= LAST


def test_unaccompanied_children_are_told_by_their_table(estuary: England) -> None:
    """They have no home postcode here, are older, and are accommodated under section 20."""
    unaccompanied = 0
    for code in estuary.codes:
        uasc = {row["CHILD"]: row for row in estuary.rows(code, "uasc")}
        for child, chain in estuary.episodes(code).items():
            if child in uasc:
                unaccompanied += 1
                assert _age(uasc[child]["DOB"], chain[0]["DECOM"]) >= 12  # 13 years, give or take leap days
                assert all(not row["HOME_POST"] and row["LS"] == "V2" and row["CIN"] == "N8" for row in chain)
    assert unaccompanied > 10


def test_health_is_only_asked_after_a_year_in_care(estuary: England) -> None:
    """Table OC2 holds exactly the children in care all year; a score or the reason for none, never both."""
    for code in estuary.codes:
        whole_year = {
            child
            for child, chain in estuary.episodes(code).items()
            if not chain[-1]["DEC"] and read_day(chain[0]["DECOM"]) <= FIRST and chain[0]["LS"] != "V4"
        }
        rows = {row["CHILD"]: row for row in estuary.rows(code, "oc2")}
        assert rows.keys() == whole_year
        assert not [row for row in rows.values() if row["SDQ_SCORE"] and row["SDQ_REASON"]]
        assert all(0 <= int(row["SDQ_SCORE"]) <= 40 for row in rows.values() if row["SDQ_SCORE"])


def test_what_hangs_on_a_child_lies_within_their_care(estuary: England) -> None:
    """Reviews and times missing fall in the year and in care; social workers follow one another without a gap."""
    for code in estuary.codes:
        chains = estuary.episodes(code)
        for row in estuary.rows(code, "reviews"):
            _check_within(chains[row["CHILD"]], row["REVIEW"], row["REVIEW"])
        for row in estuary.rows(code, "missing"):
            _check_within(chains[row["CHILD"]], row["MIS_START"], row["MIS_END"])
        workers: dict[str, list[Row]] = {}
        for row in estuary.rows(code, "sw_episodes"):
            workers.setdefault(row["CHILD"], []).append(row)
        for rows in workers.values():
            assert all(one["SW_DEC"] == two["SW_DECOM"] and one["SW_ID"] != two["SW_ID"] for one, two in pairwise(rows))


def _check_within(chain: list[Row], first: str, last: str) -> None:
    assert max(FIRST, read_day(chain[0]["DECOM"])) <= read_day(first) <= read_day(last)
    assert read_day(last) <= (read_day(chain[-1]["DEC"]) if chain[-1]["DEC"] else LAST)


def test_days_print_as_dates() -> None:
    """A day is the number the standard library gives a date."""
    day: Day = collection_year(202425).end
    assert date.fromordinal(day) == LAST
