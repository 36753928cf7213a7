"""Attacks on what is shown beside counts or instead of them: zeros, existence, decimals, margins, answers, repeats."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import product
from pathlib import Path
from random import Random
from statistics import median
from types import FrameType
from typing import Any

import duckdb
import msgspec
import pytest

from disclosure_control.presets.shipped import load_preset
from disclosure_control.release.gate import read_released
from disclosure_control.release.showing import show_table
from disclosure_control.rows.protection import protect
from federation.exchange import ReleaseDocument
from federation.manifest import Path as LeavingPath
from federation.plans import derive_plan
from federation.wire import encode_document
from query_engine.engines.duckdb import DuckDBEngine
from query_engine.tables import RawTable
from tests.end_to_end.attacks.front_door import CHILDREN, ROSTER, FrontDoor, OpenDoor, Refusal, read_rows
from tests.end_to_end.attacks.scoreboard import note

Open = Callable[..., FrontDoor]

PER_AUTHORITY = LeavingPath.PER_AUTHORITY

BY_ORIGIN = f"SELECT ethnicity_major, COUNT(*) AS n {CHILDREN} GROUP BY ethnicity_major"


def test_averaging_by_repeats(open_front_door: Open, preset: str) -> None:
    """The same question five times over, by other words: one answer, byte for byte."""
    door = open_front_door(preset)
    shuffled = f"SELECT COUNT(*) AS n, ethnicity_major {CHILDREN} AND (age IS NULL OR NOT age < 0) GROUP BY 2"
    first = door.ask(BY_ORIGIN)
    answers = [door.ask(sql) for sql in (BY_ORIGIN, shuffled, BY_ORIGIN, shuffled)]
    note("averaging by repeats", f"rounding, {preset}", sum(each != first for each in answers), len(answers))
    assert first
    assert all(each == first for each in answers)


def test_zero_and_hundred_per_cent_cells(open_front_door: Open, preset: str) -> None:
    """A share of 0 or 1 says something of every child of a cell, however many they are."""
    door = open_front_door(preset)
    sql = f"SELECT age, COUNT(*) AS n, AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS share {CHILDREN} GROUP BY age"
    table, truth = door.ask(sql), OpenDoor(door.nodes, preset).truth(sql)
    names = {each.label: each.statistics for each in derive_plan(sql, PER_AUTHORITY).outputs}
    certain = [
        (code, place)
        for code, raw in truth.items()
        for place, number in enumerate(raw.statistic("rows"))
        if number > 10 and raw.statistic(names["share"][-1])[place] in (0, number)
    ]
    rows = {code: [row for at, row in table.items() if at[0] == code] for code in ROSTER}
    shown = [rows[code][place]["share"] for code, place in certain]
    note("0% and 100% cells", f"suppression, {preset}", sum(each != "c" for each in shown), len(shown))
    assert certain
    assert set(shown) == {"c"}


def test_group_existence(open_front_door: Open, preset: str) -> None:
    """Whether there is anybody in a group: no row is missing, and none and few look alike."""
    door = open_front_door(preset)
    table, truth = door.ask(BY_ORIGIN), OpenDoor(door.nodes, preset).truth(BY_ORIGIN)
    looks: dict[bool, set[object]] = {True: set(), False: set()}
    for code, raw in truth.items():
        rows = [row["n"] for at, row in table.items() if at[0] == code]
        assert len(rows) == len(raw.statistic("rows"))
        for entry, count in zip(rows, raw.statistic("rows"), strict=True):
            if count < load_preset(preset).smallest_count_shown:
                looks[count > 0].add(entry)
    note("group existence", f"suppression, {preset}", int(looks[True] != looks[False]), 1)
    assert looks == {True: {"c"}, False: {"c"}}


def test_error_text_and_constant_shape(open_front_door: Open, preset: str) -> None:
    """A group with one child and a group with none are answered, refused and described by the same bytes.

    Where zeros are shown it is one with two children and one with one.
    What is compared is all that the asker is sent: the status, and the release without what names it.
    """
    door = open_front_door(preset, budget=40)
    sizes, (least, _) = find_sizes(door), load_preset(preset).withheld_range
    told = []
    for where in (sizes[least], sizes[least + 1]):
        document = door.fetch(f"SELECT COUNT(*) AS n, AVG(placements) AS a {CHILDREN} AND {where}")
        assert not isinstance(document, Refusal)
        rows = read_rows(document)
        answers = [(node.outcome, node.code, node.text) for node in document.nodes]
        told.append((rows["203",], answers, encode_size(document)))
    note("error text and shape", f"suppression, {preset}", int(told[0] != told[1]), 1)
    assert told[0] == told[1]


def encode_size(document: ReleaseDocument) -> int:
    """How long a release is, but for the question itself and for the proofs of what the log holds."""
    bare = msgspec.structs.replace(document, sql="", checkpoint="")
    return len(encode_document(bare))


def find_sizes(door: FrontDoor) -> Mapping[int, str]:
    """By number of children of one authority a condition that so many of them meet, and none of the others'."""
    truth, sizes = OpenDoor(door.nodes, door.preset), dict[int, str]()
    for origin, sex, age in product(("asian", "black", "other"), "MF", range(4, 19)):
        where = f"ethnicity_major = '{origin}' AND sex = '{sex}' AND age = {age}"
        counts = truth.count(where)
        if not counts["301"] + counts["316"]:
            sizes.setdefault(counts["203"], where)
        if sizes.keys() >= {0, 1, 2}:
            break
    return sizes


def test_no_branch_depends_on_one_child(open_front_door: Open, preset: str) -> None:
    """What is run to protect a group with one child, and one with none, is the same line after line.

    Where zeros are shown it is one with two children and one with one.
    """
    door, rules = open_front_door(preset), load_preset(preset)
    plan = derive_plan(f"SELECT sex, COUNT(*) AS n, AVG(placements) AS a {CHILDREN} GROUP BY sex", PER_AUTHORITY)
    raw = OpenDoor(door.nodes, preset).run(plan)["203"]
    figures = {each.name: list(raw.statistic(each.name)) for each in plan.statistics}
    runs = []
    for number in (rules.withheld_range[0], rules.withheld_range[0] + 1):
        figures = {name: [number, *column[1:]] for name, column in figures.items()}
        runs.append(_lines_run(lambda: protect(RawTable(plan, figures), rules)))  # noqa: B023
    assert len(runs[0]) > 100
    note("branches taken for one child", f"suppression, {preset}", int(runs[0] != runs[1]), 1)
    assert runs[0] == runs[1]


def _lines_run(work: Callable[[], object]) -> list[tuple[str, int]]:
    """Every line of ours that is run, in order."""
    found: list[tuple[str, int]] = []

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if "disclosure_control" not in frame.f_code.co_filename:
            return None
        if event == "line":
            found.append((frame.f_code.co_filename, frame.f_lineno))
        return trace

    work()  # What is kept from run to run is kept now.
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return found


@pytest.mark.deep
def test_timing(open_front_door: Open, tmp_path: Path) -> None:
    """How long a node takes over the same question with one child and without: next to nothing apart.

    Both are answered anew each time, in an order that is drawn. Whoever could read the node's processor clock would
    tell them apart at times, since a database reads another file; what anybody is told has whole seconds.
    """
    door, draw = open_front_door("opensafely"), Random(1)
    snapshot, rules = door.nodes["203"].store.newest("202425-summer"), load_preset("opensafely")
    assert snapshot is not None
    where = find_sizes(door)[1]
    plan = derive_plan(f"SELECT COUNT(*) AS n {CHILDREN} AND {where}", PER_AUTHORITY)
    conditions = ("TRUE", f"NOT ({where} AND academic_year = 202425)")
    files = {kept: tmp_path / f"{number}.parquet" for number, kept in enumerate(conditions)}
    with duckdb.connect(":memory:") as connection:
        for kept, path in files.items():
            source = f"SELECT * FROM read_parquet('{snapshot.tables['child_year']}') WHERE {kept}"
            connection.execute(f"COPY ({source}) TO '{path}' (FORMAT parquet)")
    taken: dict[str, list[float]] = {kept: [] for kept in files}
    for _ in range(200):
        for kept in draw.sample(sorted(files), 2):
            begun = time.process_time()
            with DuckDBEngine({"child_year": files[kept]}) as engine:
                protect(engine.run(plan), rules)
            taken[kept].append(time.process_time() - begun)
    slower = _slower(*taken.values())
    note("timing", "suppression, opensafely", round(1000 * max(slower, 1 - slower)), 1000)
    one, none = map(median, taken.values())
    assert abs(one - none) < 0.002


def _slower(these: Sequence[float], those: Sequence[float]) -> float:
    """How often one of these is longer than one of those: half the time, where neither tells anything."""
    return sum((a > b) + (a == b) / 2 for a in these for b in those) / (len(these) * len(those))


def test_differencing_by_roster(open_front_door: Open, preset: str) -> None:
    """The same question to another roster: each authority's rows are its own, and there is nothing to subtract."""
    door = open_front_door(preset)
    first = door.ask(BY_ORIGIN)
    document = door.fetch(BY_ORIGIN, roster=("203", "301", "317"))
    assert not isinstance(document, Refusal)
    second = read_rows(document)
    moved = [at for at in first if at in second and first[at] != second[at]]
    note("differencing by roster", f"rows, {preset}", len(moved), len(first))
    assert not moved
    assert {at[0] for at in second} == {"203", "301", "317"}


def test_floating_point_residue(open_front_door: Open, preset: str) -> None:
    """The last bits of an average tell in which order it was added, and of what: none is printed."""
    door = open_front_door(preset)
    figures = "AVG(attendance_rate) AS a, STDDEV_SAMP(attendance_rate) AS d, CORR(attendance_rate, placements) AS r"
    document = door.fetch(f"SELECT sex, {figures} {CHILDREN} GROUP BY sex")
    assert not isinstance(document, Refusal)
    places, residues, numbers = document.table["decimals"], 0, 0
    for row in read_rows(document).values():
        for label, entry in row.items():
            if isinstance(entry, float):
                numbers += 1
                residues += -int(Decimal(repr(entry)).as_tuple().exponent) > places[label]
    note("floating-point residue", f"decimals, {preset}", residues, numbers)
    assert numbers > 6
    assert residues == 0


def test_margins_of_error_back_to_counts(open_front_door: Open, preset: str) -> None:
    """The width of a margin tells the number that it was worked out from: that is the printed one, and no other."""
    door = open_front_door(preset)
    sql = f"SELECT sex, COUNT(*) AS n, AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS share {CHILDREN} GROUP BY sex"
    document = door.fetch(sql)
    assert not isinstance(document, Refusal)
    margins = show_table(read_released(document.table), sql).margins
    truth = OpenDoor(door.nodes, preset).truth(sql)
    found = tries = 0
    for number, row in enumerate(document.table["rows"]):
        code, _, printed, share = row
        low, high = (getattr(margins[number].get("share"), end, None) for end in ("low", "high"))
        if isinstance(printed, int) and isinstance(share, float) and low is not None and high is not None:
            exact = truth[code].statistic("rows")[number % 4]
            half = (float(high) - float(low)) / 2
            guess = round(1.96**2 * share * (1 - share) / half**2)
            tries += 1
            found += guess == exact != printed
    note("margins of error back to n", f"rounding, {preset}", found, tries)
    assert tries > 2
    assert found == 0


def test_dominance(open_front_door: Open) -> None:
    """A sum of which two children have nearly everything: withheld, wherever it is so in truth."""
    door = open_front_door("acro")
    sql = f"SELECT age, SUM(suspension_days) AS days, COUNT(*) AS n {CHILDREN} GROUP BY age"
    table = door.ask(sql)
    assert table
    found = tries = 0
    for code in ROSTER:
        snapshot = door.nodes[code].store.newest("202425-summer")
        assert snapshot is not None
        for age, largest, total in _largest(snapshot.tables["child_year"]):
            if total and largest > 0.9 * float(total):
                tries += 1
                found += table[code, age]["days"] != "c"
    note("dominance", "suppression, acro", found, tries)
    assert tries > 3
    assert found == 0


def _largest(path: object) -> list[tuple[int, float, float]]:
    """By age what the two children with most have, and what all have."""
    sql = f"""
        SELECT age, sum(days) FILTER (WHERE place <= 2), sum(days) FROM (
            SELECT age, suspension_days AS days,
            row_number() OVER (PARTITION BY age ORDER BY suspension_days DESC) AS place
            FROM read_parquet('{path}')
            WHERE academic_year = 202425 AND counted_here AND suspension_days IS NOT NULL
        ) GROUP BY age
    """
    with duckdb.connect(":memory:") as connection:
        return [(age, float(largest), float(total)) for age, largest, total in connection.execute(sql).fetchall()]
