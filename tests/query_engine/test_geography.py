"""Authorities come and go: which there were in a year, and what becomes of a series on today's map."""

from datetime import date

import pytest

from query_engine.geography import (
    authorities_of,
    authority_then,
    former_authorities,
    load_authorities,
    load_every_authority,
    load_successions,
    today_of,
)


@pytest.mark.parametrize(
    ("authority", "year", "today"),
    [
        ("301", 201415, "301"),
        ("836", 201718, "839"),
        ("837", 201819, "839"),
        ("835", 201718, None),
        ("838", 201920, "838"),
        ("928", 202021, None),
        ("909", 202122, None),
        ("942", 202324, "942"),
        ("825", 201819, "825"),
    ],
)
def test_an_authority_of_the_past_is_on_todays_map_where_one_took_all_of_it(
    authority: str, year: int, today: str | None
) -> None:
    """Poole went to one authority; Dorset lost Christchurch, and Cumbria and Northamptonshire were cut in two."""
    assert today_of(authority, year) == today


@pytest.mark.parametrize(
    ("today", "year", "then"),
    [
        ("942", 202122, "909"),
        ("942", 202324, "942"),
        ("838", 201718, "835"),
        ("839", 201718, None),
        ("941", 201415, "928"),
    ],
)
def test_an_area_of_today_had_an_authority_then_unless_it_was_put_together(
    today: str, year: int, then: str | None
) -> None:
    assert authority_then(today, year) == then


def test_every_year_has_its_own_authorities() -> None:
    """One fewer after Dorset (2019), one more after Northamptonshire (2021) and again after Cumbria (2023)."""
    found = {year: len(authorities_of(year)) for year in (201819, 201920, 202021, 202122, 202223, 202324)}
    assert found == {201819: 152, 201920: 151, 202021: 151, 202122: 152, 202223: 152, 202324: 153}


def test_no_code_is_asked_about_in_a_year_without_it() -> None:
    with pytest.raises(KeyError):
        today_of("837", 202425)


def test_what_is_announced_but_not_published_changes_nothing_yet() -> None:
    """Surrey is to be split on 1 April 2027; the codes of East and West Surrey are not published."""
    (surrey,) = (each for each in load_successions() if each.successor is None)
    assert (surrey.predecessor, surrey.day) == ("936", date(2027, 4, 1))
    assert "936" in load_authorities()


def test_every_succession_fits_the_days_of_its_authorities() -> None:
    """A predecessor ends on the day before its successor begins, and both are in the list."""
    last = {each.code: each.valid_to for each in load_every_authority()}
    first = {each.code: each.valid_from for each in load_every_authority()}
    for each in load_successions():
        if each.successor is not None:
            ended = last[each.predecessor]
            assert ended is not None
            assert (each.day - ended).days == 1
            assert first[each.successor] == each.day
    assert {each.predecessor for each in load_successions()} >= set(former_authorities())
