"""Who has which status outside care, and where from: the School Census, our own returns, the census and lists of need.

The authority is 301, the academic year 2024/25, and the day of loading 1 June 2026.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from node.ingest.load import load_files
from node.snapshots import SnapshotStore
from tests.node.ingest.conftest import Judge, Load
from tests.node.ingest.small_returns import TOKEN_KEY, Loaded, clock, judge_files, printed, query, read_rows

A, B, C, D = "B801200005001", "Q801200005002", "Z801200005003", "M801200005004"


def statuses(loaded: Loaded, *columns: str) -> list[dict[str, str]]:
    """The rows of the identified table, printed, in the order of number and status."""
    chosen = ", ".join(columns)
    order = "coalesce(upn, la_child_id), care_status"
    rows = query(f"FROM '{loaded.snapshot.identified['area_children']}' SELECT {chosen} ORDER BY {order}")
    return [dict(zip(columns, map(printed, row), strict=True)) for row in rows]


def expect(loaded: Loaded, table: str) -> None:
    expected = read_rows(table)
    assert statuses(loaded, *expected[0]) == expected


def test_whoever_left_care_is_told_of_by_the_parent_to_the_school(load: Load) -> None:
    """Other and not declared are no status; the school, and so the area, is that of the roll."""
    loaded = load(
        spring_pupilonroll=f"""
            upn | plaa | NativeId | ncyearactual
            {A} | A    | 100001   | 5
            {B} | G    | 100001   | 6
            {C} | C    | 100002   | 7
            {D} | R    | 100002   | 8
            E   | N    | 100002   | 8
            F   | O    | 100002   | 8
        """
    )
    expect(
        loaded,
        f"""
        upn | care_status             | rests_on             | host_authority | school_urn | year_group | told_by
        {A} | previously_looked_after | adoption             | 301            | 100001     | 5          | parent
        {D} | previously_looked_after | residence_order      | 301            | 100002     | 8          | parent
        {B} | previously_looked_after | special_guardianship | 301            | 100001     | 6          | parent
        {C} | previously_looked_after | child_arrangements   | 301            | 100002     | 7          | parent
        """,
    )


def test_what_our_own_return_tells_and_what_the_parent_does_are_one_row(load: Load) -> None:
    """Of a child who left our care for good in an earlier year. Where no school is known, neither is the area."""
    loaded = load(
        header=f"CHILD | UPN\n1 | {A}\n2 | {B}\n3 | UN4",
        episodes="""
            CHILD | DECOM      | DEC        | REC
            1     | 01/05/2020 | 01/06/2022 | E45
            2     | 01/05/2020 | 01/06/2022 | E11
            3     | 01/05/2020 | 01/06/2022 | E41
        """,
        spring_pupilonroll=f"upn | plaa\n{A} | N\n{B} | G",
    )
    expect(
        loaded,
        f"""
        upn | la_child_id | host_authority | rests_on             | since      | told_by
            | 3           |                | child_arrangements   | 2022-06-01 | our_return
        {A} | 1           | 301            | special_guardianship | 2022-06-01 | our_return
        {B} | 2           | 301            | special_guardianship | 2022-06-01 | our_return, parent
        """,
    )


def test_nobody_in_our_care_is_among_them(load: Load) -> None:
    """Children looked after are children in need too; their record is the one in care. Care that ended is none."""
    loaded = load(
        header=f"CHILD | UPN\n1 | {A}\n2 | {B}",
        episodes="CHILD | DECOM | DEC | REC\n1 | 01/05/2024 | |\n2 | 01/05/2024 | 01/02/2025 | E4A",
        spring_pupilonroll=f"upn | plaa\n{A} | A\n{B} | N\n{C} | N",
        children_in_need=f"upn | la_child_id\n{A} | 1\n | 1\n{B} | 2\n{C} | 9",
        kinship_care=f"upn | la_child_id\n{A} | 1",
    )
    assert [row["upn"] for row in statuses(loaded, "upn")] == [B, C]


def test_a_child_in_need_is_on_the_furthest_plan_that_is_open(load: Load) -> None:
    """From the first day of what is open; a referral that came to nothing, and what is over, are no need."""
    loaded = load(
        spring_pupilonroll=f"upn\n{A}\n{B}\n{C}\n{D}",
        children_in_need=f"""
            upn | la_child_id | kind                  | need_start_date | need_end_date
            {A} | 1           | referral              | 01/05/2024      |
                | 1           | child_in_need_plan    | 01/06/2024      |
                | 1           | child_protection_plan | 01/07/2024      | 01/08/2024
            {B} | 2           | child_protection_plan | 01/06/2024      |
            {B} | 2           | referral              | 01/05/2024      | 01/08/2030
            {C} | 3           | referral              | 01/05/2024      | 01/06/2025
            {D} | 4           | no_further_action     | 01/05/2024      |
        """,
    )
    expect(
        loaded,
        f"""
        upn | la_child_id | care_status   | rests_on              | since
        {A} | 1           | child_in_need | child_in_need_plan    | 2024-05-01
        {B} | 2           | child_in_need | child_protection_plan | 2024-05-01
        """,
    )


def test_a_child_of_several_statuses_has_a_row_for_each(load: Load) -> None:
    """What one status opens tells nothing of another."""
    loaded = load(
        spring_pupilonroll=f"upn | plaa\n{A} | G",
        children_in_need=f"upn\n{A}",
        kinship_care=f"""
            upn | arrangement        | kinship_start_date | kinship_end_date
            {A} | child_arrangements | 01/05/2023         | 01/05/2024
            {A} | private_fostering  | 01/06/2024         |
        """,
    )
    expect(
        loaded,
        """
        care_status             | rests_on             | since      | told_by
        child_in_need           | referral             | 2024-05-01 | our_list
        kinship                 | private_fostering    | 2024-06-01 | our_list
        previously_looked_after | special_guardianship |            | parent
        """,
    )


def test_a_school_elsewhere_is_that_of_the_national_download(load: Load) -> None:
    """The duty is the other area's then; whoever is on no roll that we know has no known host."""
    loaded = load(
        spring_pupilonroll=f"upn\n{C}",
        gias="URN | LA (code)\n100001 | 302",
        giap_census=f"UPN | URN | SENProvision\n{A} | 100001 | K",
        children_in_need=f"upn | la_child_id\n{A} | 1\n{B} | 2",
    )
    expect(
        loaded,
        f"""
        upn | host_authority | school_urn | sen_provision
        {A} | 302            | 100001     | sen_support
        {B} |                |            |
        """,
    )


def test_a_status_is_told_from_its_first_day_and_with_the_last_that_is_known(load: Load) -> None:
    """One that begins after the day of loading is none yet; what ends later is still open, and says until when."""
    loaded = load(
        spring_pupilonroll=f"upn\n{A}\n{B}\n{C}",
        children_in_need=f"""
            upn | kind               | need_start_date | need_end_date
            {A} | referral           | 02/06/2026      |
            {B} | referral           | 01/05/2024      | 01/08/2026
            {B} | child_in_need_plan | 01/06/2024      | 01/07/2026
            {C} | referral           | 01/05/2024      |
            {C} | child_in_need_plan | 01/06/2024      | 01/07/2026
        """,
    )
    expect(
        loaded,
        f"""
        upn | rests_on           | until
        {B} | child_in_need_plan | 2026-08-01
        {C} | child_in_need_plan |
        """,
    )


def test_two_lists_that_number_children_by_themselves_make_nobody_somebody_else(load: Load) -> None:
    """One number of our own with two pupil numbers is two children; a row that names no pupil is neither's."""
    loaded = load(
        spring_pupilonroll=f"upn\n{A}\n{B}",
        children_in_need=f"upn | la_child_id\n{A} | 12\n | 12",
        kinship_care=f"upn | la_child_id\n{B} | 12",
    )
    expect(
        loaded,
        f"""
        upn | la_child_id | care_status   | host_authority
            | 12          | child_in_need |
        {A} | 12          | child_in_need | 301
        {B} | 12          | kinship       | 301
        """,
    )


def test_a_later_list_takes_the_place_of_the_one_before(load: Load) -> None:
    """It tells how things stand on its day."""
    load(spring_pupilonroll=f"upn\n{A}\n{B}", children_in_need=f"upn\n{A}")
    assert [row["upn"] for row in statuses(load(children_in_need=f"upn\n{B}"), "upn")] == [B]


def test_no_governed_table_tells_children_in_need_apart(load: Load) -> None:
    """Switching a record on for somebody opens no figure: what can be asked about is the same to the byte."""
    roll = f"upn | plaa\n{A} | N\n{B} | G"
    without = load(spring_pupilonroll=roll)
    with_lists = load(children_in_need=f"upn\n{A}", kinship_care=f"upn\n{B}")
    assert with_lists.snapshot.id != without.snapshot.id
    assert with_lists.snapshot.content_hash == without.snapshot.content_hash


# --- The children in need census as it is returned --------------------------------------------------------------------

CENSUS = f"""<?xml version="1.0" encoding="UTF-8"?>
<Message>
  <Header><CollectionDetails><Collection>CIN</Collection><Year>2025</Year></CollectionDetails></Header>
  <Children>
    <Child>
      <ChildIdentifiers>
        <LAchildID>c1</LAchildID><UPN>{A}</UPN><PersonBirthDate>2010-01-02</PersonBirthDate><Sex>F</Sex>
      </ChildIdentifiers>
      <ChildCharacteristics><Ethnicity>WBRI</Ethnicity>
        <Disabilities><Disability>HAND</Disability></Disabilities></ChildCharacteristics>
      <CINdetails>
        <CINreferralDate>2024-05-01</CINreferralDate><PrimaryNeedCode>N1</PrimaryNeedCode><ReferralNFA>0</ReferralNFA>
        <Assessments><AssessmentActualStartDate>2024-05-02</AssessmentActualStartDate></Assessments>
        <CINPlanDates><CINPlanStartDate>2024-05-20</CINPlanStartDate></CINPlanDates>
        <ChildProtectionPlans><CPPstartDate>2024-06-01</CPPstartDate><CPPendDate>2024-07-01</CPPendDate>
          <Reviews><CPPreviewDate>2024-06-15</CPPreviewDate></Reviews></ChildProtectionPlans>
      </CINdetails>
    </Child>
    <Child>
      <ChildIdentifiers>
        <LAchildID>c2</LAchildID><UPNunknown>UN2</UPNunknown><PersonBirthDate>2011-01-02</PersonBirthDate>
      </ChildIdentifiers>
      <CINdetails><CINreferralDate>2024-05-01</CINreferralDate><CINclosureDate>2024-06-01</CINclosureDate>
        <CINPlanDates><CINPlanStartDate>2024-05-20</CINPlanStartDate></CINPlanDates></CINdetails>
      <CINdetails><CINreferralDate>2024-09-01</CINreferralDate><ReferralNFA>true</ReferralNFA></CINdetails>
    </Child>
  </Children>
</Message>
"""


def test_the_census_of_children_in_need_is_read_as_it_is_returned(tmp_path: Path, store: SnapshotStore) -> None:
    """Each referral and plan is a time of need; what lies in a referral that was closed is closed with it."""
    (tmp_path / "census.xml").write_text(CENSUS)
    report = load_files([tmp_path / "census.xml"], store=store, authority="301", token_key=TOKEN_KEY, clock=clock)
    (file,) = report.files
    assert (file.table, file.rows_in, file.rows_loaded, dict(file.rules)) == ("children_in_need", 6, 6, {})
    current = store.current()
    assert current is not None
    rows = query(
        f"FROM '{current.staged}/children_in_need-undated.parquet' SELECT la_child_id, upn, date_of_birth::VARCHAR, "
        "kind, need_start_date::VARCHAR, need_end_date::VARCHAR ORDER BY la_child_id, need_start_date"
    )
    assert rows == [
        ("c1", A, "2010-01-02", "referral", "2024-05-01", None),
        ("c1", A, "2010-01-02", "child_in_need_plan", "2024-05-20", None),
        ("c1", A, "2010-01-02", "child_protection_plan", "2024-06-01", "2024-07-01"),
        ("c2", "UN2", "2011-01-02", "referral", "2024-05-01", "2024-06-01"),
        ("c2", "UN2", "2011-01-02", "child_in_need_plan", "2024-05-20", "2024-06-01"),
        ("c2", "UN2", "2011-01-02", "no_further_action", "2024-09-01", None),
    ]


def test_a_census_about_schools_is_not_taken_for_one_about_children(tmp_path: Path) -> None:
    """Every census that is sent to the department has the same root."""
    (tmp_path / "census.xml").write_text("<Message><Header/><Pupils><Pupil><UPN>x</UPN></Pupil></Pupils></Message>")
    (report,) = judge_files([tmp_path / "census.xml"])
    assert report.table is None
    assert set(report.rules) == {"unrecognised_file"}


@pytest.mark.parametrize("table", ["children_in_need", "kinship_care"])
def test_a_row_about_nobody_is_reported(table: str, judge: Judge) -> None:
    """By neither number could anybody be found."""
    start = {"children_in_need": "need_start_date", "kinship_care": "kinship_start_date"}[table]
    what = {"children_in_need": "kind", "kinship_care": "arrangement"}[table]
    word = {"children_in_need": "referral", "kinship_care": "adoption"}[table]
    rows = f"upn,la_child_id,{what},{start}\n,,{word},14/11/2024\n,7,{word},14/11/2024\n"
    assert judge(export=rows)["export"].locators == {"nobody": (2,)}


# --- Care leavers -----------------------------------------------------------------------------------------------------


def test_a_care_leaver_whose_episodes_we_have_not_loaded_is_not_in_care_now(load: Load) -> None:
    """The return asks about leavers without telling their care again: they have neither first day nor last."""
    from node.lookups.records import CHILDREN, IN_CARE_NOW
    from node.vault import read_vault

    loaded = load(header="CHILD | DOB\n1 | 01/01/2010\n2 | 01/01/2005", episodes="CHILD\n1", oc3="CHILD\n2")
    rows: list[Any] = read_vault(
        {CHILDREN: loaded.snapshot.identified[CHILDREN]}, f"SELECT la_child_id FROM {CHILDREN} WHERE {IN_CARE_NOW}"
    )
    assert rows == [("1",)]
    assert json.loads(loaded.report.to_json())["tables"]["child_year"]["rows"] == 2
