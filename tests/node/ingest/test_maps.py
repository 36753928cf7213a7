"""Records land under the authority of their time, and a child whose care moved on is counted once."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from node.ingest.load import load_files
from node.ingest.maps import home_in
from node.snapshots import SnapshotStore
from tests.node.ingest.small_returns import TOKEN_KEY, Loaded, write_table


def load_return(directory: Path, authority: str, year: int, *, files: str = "", **tables: str) -> Loaded:
    """Load one return into the node of an authority, with those loaded there before."""
    place = directory / f"{authority}-{year}{files}"
    for name, text in tables.items():
        write_table(place, name, text)
    store = SnapshotStore(directory / f"node-{authority}")
    report = load_files(
        [place],
        store=store,
        authority=authority,
        token_key=TOKEN_KEY,
        year=year,
        clock=lambda: datetime(2026, 6, 1, tzinfo=UTC),
    )
    snapshot = store.current()
    assert snapshot is not None
    return Loaded(report, snapshot)


@pytest.mark.parametrize(
    ("authority", "year", "home"),
    [
        ("301", 201415, ("301", "London", False)),
        ("942", 202122, ("909", "North West", True)),
        ("942", 202324, ("942", "North West", False)),
        ("838", 201718, ("835", "South West", True)),
        ("839", 201718, ("839", "South West", False)),
    ],
)
def test_an_authority_goes_by_the_code_of_the_year(authority: str, year: int, home: tuple[str, str, bool]) -> None:
    """Put together from several, it keeps today's code: no single one was its own."""
    assert home_in(authority, year) == home


def test_an_old_return_lands_under_the_predecessor_and_counts_the_children_known_since(tmp_path: Path) -> None:
    """Cumbria's return of 2022 in the node of Cumberland: whoever Cumberland has had since is its own."""
    load_return(
        tmp_path,
        "942",
        2024,
        header="CHILD | DOB\nours | 01/01/2015",
        episodes="CHILD | DECOM\nours | 01/05/2020",
    )
    old = load_return(
        tmp_path,
        "942",
        2022,
        header="CHILD | DOB\nours | 01/01/2015\nunknown | 01/01/2015",
        episodes="CHILD | DECOM | PL_POST\nours | 01/05/2020 | LA14 1AA\nunknown | 01/05/2020 | LA14 1AA",
    )
    rows = {
        (row["la_child_id"], row["academic_year"]): (row["home_authority"], row["counted_here"])
        for row in old.every_row("child_year", "children", "child", "la_child_id")
    }
    assert rows == {
        ("ours", 202122): ("909", True),
        ("unknown", 202122): ("909", False),
        ("ours", 202324): ("942", True),
    }


def test_a_child_who_passed_from_one_authority_to_another_has_a_row_at_each_and_is_counted_at_the_last(
    tmp_path: Path,
) -> None:
    """REC E3 at the first authority in October; the second starts a period of care on the same day."""
    first = load_return(
        tmp_path,
        "301",
        2025,
        header="CHILD | UPN\nash | B801200005001",
        episodes="CHILD | DECOM | DEC | REC\nash | 01/02/2023 | 01/10/2024 | E3",
    )
    last = load_return(
        tmp_path,
        "316",
        2025,
        header="CHILD | UPN\n77 | B801200005001",
        episodes="CHILD | DECOM\n77 | 01/10/2024",
    )
    assert {who: row["counted_here"] for who, row in first.children.items()} == {"ash": False}
    assert {who: row["counted_here"] for who, row in last.children.items()} == {"77": True}


def test_in_area_is_asked_on_the_map_of_the_year(tmp_path: Path) -> None:
    """Barrow was in Cumbria in 2022 and is in Westmorland and Furness, not in Cumberland, in 2024."""
    episodes = "CHILD | DECOM | PL_POST\nash | 01/05/2020 | LA14 1AA"
    then = load_return(tmp_path, "942", 2022, header="CHILD\nash", episodes=episodes)
    assert (then.children["ash"]["placement_in_area"], then.children["ash"]["host_authority"]) == (True, "943")
    now = load_return(tmp_path, "942", 2024, header="CHILD\nash", episodes=episodes)
    assert now.children["ash"]["placement_in_area"] is False
