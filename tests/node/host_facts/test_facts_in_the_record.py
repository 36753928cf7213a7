"""What comes of claims: children on other authorities' rolls are found, and the record says what the rolls say."""

import json
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest

from federation.wire import whole_seconds
from node.host_facts import DIRECTORY, find_facts
from node.loading import load_into, rebuild_snapshot
from node.quality.retention import retire_snapshots
from node.service import Node
from tests.node.host_facts.naive_rolls import Enrolled, ask_rows, children_in_care
from tests.node.host_facts.played_claims import HOME, HOST, TERM, PaperRelay, claim
from tests.small_federation import SmallFederation

SHARED = (
    *("sen_provision", "sen_primary_need", "sen_unit_or_resourced", "fsm_status", "english_additional_language"),
    *("suspensions", "suspension_days", "permanently_excluded", "attendance_rate"),
    *("sessions_missed_unauthorised_rate", "persistent_absentee", "severe_absentee", "school_changes_in_year"),
)
"""The columns that a host's rolls fill, in `child_year` at home as in `pupil_year` at the host."""


def test_every_child_on_another_authoritys_roll_is_found(
    federation: SmallFederation, pooled: Mapping[str, Enrolled]
) -> None:
    """Exactly the children whom the pooled censuses have in another authority, each told of by that authority alone."""
    found_anywhere = 0
    for home in federation.authorities:
        children = children_in_care(federation.node(home))
        expected = {
            (child.upn, pooled[child.upn].authority)
            for child in children
            if child.upn in pooled and pooled[child.upn].authority != home
        }
        report = claim(federation, PaperRelay(federation, sender=home))
        told = duckdb.execute(
            "SELECT upn, host_authority FROM read_parquet(?)",
            [[str(path) for path in find_facts(federation.directory / f"node-{home}")]],
        ).fetchall()
        assert sorted(told) == sorted(expected)
        assert (report.found, report.refused, report.failed) == (len(expected), {}, {})
        found_anywhere += len(expected)
    assert found_anywhere >= 40


def test_the_rebuilt_record_is_what_the_pooled_censuses_say(
    federation: SmallFederation, pooled: Mapping[str, Enrolled]
) -> None:
    """Provision, attendance and host of every child, and the demo's question with fewer in its missing category."""
    node = federation.node(HOME)
    children = children_in_care(node)
    before = missing_provision(node)
    assert claim(federation).found
    rebuild_snapshot(node.party.directory)
    snapshot = node.store.current()
    assert snapshot is not None
    sql = "SELECT child, sen_provision, attendance_rate, host_authority, school_in_area FROM child_year"
    found = ask_rows(f"{sql} WHERE academic_year = 202425", child_year=snapshot.tables["child_year"])
    rows = {row[0]: row[1:] for row in found}
    words = {"N": "none", "K": "sen_support", "E": "ehc_plan"}
    for child in children:
        provision, attendance, host, in_area = rows[child.token]
        enrolled = pooled.get(child.upn)
        assert provision == (enrolled and words[enrolled.provision])
        if enrolled:
            assert (host, in_area) == (enrolled.authority, enrolled.authority == HOME)
            # Who came to the school in the last term has no sessions that a census of the year tells of.
            rate = 1 - enrolled.missed / enrolled.possible if enrolled.possible else None
            assert (attendance and float(attendance)) == pytest.approx(rate, abs=6e-5)
    expected = sum(1 <= child.year_group <= 11 and child.upn not in pooled for child in children)
    assert missing_provision(node) == expected < before


def missing_provision(node: Node) -> int:
    snapshot = node.store.current()
    assert snapshot is not None
    sql = (
        "SELECT count(DISTINCT child) FROM child_year WHERE academic_year = 202425 AND population = 'looked_after' "
        "AND year_group BETWEEN 1 AND 11 AND sen_provision IS NULL"
    )
    found: int = ask_rows(sql, child_year=snapshot.tables["child_year"])[0][0]
    return found


def test_every_column_at_home_is_the_hosts_own(federation: SmallFederation) -> None:
    """Whatever the host's own `pupil_year` says of a hosted child, the home's `child_year` says too."""
    claim(federation)
    node = federation.node(HOME)
    rebuild_snapshot(node.party.directory)
    home = node.store.current()
    assert home is not None
    columns = ", ".join(SHARED)
    mine = ask_rows(
        f"SELECT upn, host_authority, {columns} FROM child_year AS y JOIN children AS c USING (child, academic_year, "
        "host_authority) WHERE academic_year = 202425 AND NOT school_in_area AND sen_provision IS NOT NULL",
        child_year=home.tables["child_year"],
        children=home.identified["children"],
    )
    compared = 0
    for host in set(federation.authorities) - {HOME}:
        snapshot = federation.node(host).store.current()
        assert snapshot is not None
        theirs = ask_rows(
            f"SELECT upn, {columns} FROM pupil_year "
            "JOIN (SELECT pupil, academic_year, upn FROM pupils) USING (pupil, academic_year)",
            pupil_year=snapshot.tables["pupil_year"],
            pupils=snapshot.identified["pupils"],
        )
        by_upn = {row[0]: row[1:] for row in theirs}
        for upn, authority, *values in mine:
            if authority == host:
                assert tuple(values) == by_upn[upn]
                compared += 1
    assert compared == len(mine) >= 10


def test_a_load_and_a_rebuild_give_the_same_tables(federation: SmallFederation) -> None:
    """Facts are merged whichever way the next snapshot is built, and the report keeps the files it was built from."""
    claim(federation)
    node = federation.node(HOME)
    files = federation.directory / "england" / HOME
    rebuilt = rebuild_snapshot(node.party.directory)
    first = node.store.current()
    load_into(node.party.directory, [files], None, lambda _: None)
    second = node.store.current()
    assert first is not None
    assert second is not None
    assert first.content_hash == second.content_hash
    assert rebuilt.snapshot == first.id
    reports = [json.loads((snapshot.path / "report.json").read_text()) for snapshot in (first, second)]
    assert [len(report["files"]) for report in reports] == [len(reports[0]["files"])] * 2 != [0, 0]


def test_what_is_destroyed_on_schedule_is_missed_by_no_later_record(federation: SmallFederation) -> None:
    """An answer that another has overtaken goes; a snapshot built without it is the same as one built with it."""
    claim(federation)
    node = federation.node(HOME)
    told = find_facts(node.party.directory)[0]
    earlier = told.with_name(f"202425-autumn-L-{'0' * 32}-node-{HOST}.parquet")
    duckdb.execute(
        "COPY (SELECT * REPLACE (as_of - INTERVAL 1 DAY AS as_of, received_at - INTERVAL 1 DAY AS received_at, "
        f"'ehc_plan' AS sen_provision) FROM read_parquet('{told}')) TO '{earlier}'"
    )
    duckdb.execute(
        f"COPY (SELECT * REPLACE (received_at - INTERVAL 1 HOUR AS received_at) FROM read_parquet('{told}')) "
        f"TO '{told}.new' (FORMAT parquet)"
    )
    Path(f"{told}.new").replace(told)
    rebuild_snapshot(node.party.directory)
    first = node.store.current()
    assert first is not None
    assert retire_snapshots(node.party.directory, 1).answers == (earlier.stem,)
    rebuild_snapshot(node.party.directory)
    second = node.store.current()
    assert second is not None
    assert first.content_hash == second.content_hash


def test_our_own_roll_comes_first(federation: SmallFederation, pooled: Mapping[str, Enrolled]) -> None:
    """What a host tells of a child who is on our own roll changes nothing."""
    node = federation.node(HOME)
    claim(federation)
    own = next(child for child in children_in_care(node) if child.upn in pooled and pooled[child.upn].authority == HOME)
    path = find_facts(node.party.directory)[0]
    duckdb.execute(
        f"COPY (SELECT * REPLACE ('{own.upn}' AS upn, 'ehc_plan' AS sen_provision, 59 AS suspensions) "
        f"FROM read_parquet('{path}') LIMIT 1) TO '{path.with_name('forged.parquet')}'"
    )
    rebuild_snapshot(node.party.directory)
    snapshot = node.store.current()
    assert snapshot is not None
    rows = ask_rows(
        f"SELECT suspensions, school_in_area FROM child_year WHERE child = '{own.token}'",
        child_year=snapshot.tables["child_year"],
    )
    assert [in_area for _, in_area in rows] == [True]
    assert rows[0][0] != 59


def test_facts_are_vault_files(federation: SmallFederation) -> None:
    """Readable by their owner alone, dated, and no part of any snapshot's governed tables."""
    claim(federation)
    node = federation.node(HOME)
    files = find_facts(node.party.directory)
    assert files
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert (node.party.directory / DIRECTORY).stat().st_mode & 0o777 == 0o700
    rows = duckdb.execute("SELECT DISTINCT term, as_of, host_snapshot FROM read_parquet(?)", [str(files[0])]).fetchall()
    assert len(rows) == 1
    assert rows[0][:2] == (str(TERM), whole_seconds(federation.clock()).replace(tzinfo=None))
