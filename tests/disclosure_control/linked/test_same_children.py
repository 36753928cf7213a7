"""The same children asked about in several tables: what the answers tell together."""

import pytest

from disclosure_control.linked.children.parts import TooTangled
from disclosure_control.linked.children.related import find_related
from disclosure_control.linked.companions import find_companions
from disclosure_control.linked.counts.links import link_plans
from federation.manifest import Path
from federation.plans import derive_plan
from query_engine.catalogue import load_catalogue
from tests.disclosure_control.linked.test_linked import C, table, told
from tests.disclosure_control.told_words import tell_hits

YEAR = "academic_year = 202425"
IN_CARE = (
    f"{YEAR} AND population = 'looked_after' AND counted_here AND school_in_area AND at_31_march AND in_care_12_months"
)
PUPILS = f"{YEAR} AND social_care_group = 'cla_12_months_at_31_march'"


def of_children(where: str = "", by: str = "") -> str:
    return select("child_year", f"{IN_CARE}{where}", by)


def of_pupils(where: str = "", by: str = "") -> str:
    return select("pupil_year", f"{PUPILS}{where}", by)


def select(source: str, where: str, by: str, count: str = "COUNT(*)") -> str:
    return f"SELECT {f'{by}, ' if by else ''}{count} AS n FROM {source} WHERE {where}{f' GROUP BY {by}' if by else ''}"


# --- Pupils in care are children of the record ---------------------------------------------------------------------


def test_pupils_in_care_are_some_of_the_children_in_school_here() -> None:
    """Of 40 children in school in the area 37 are on a roll: three are on none."""
    children, pupils = of_children(), of_pupils()
    assert told("dfe_cla", table(children, 40), table(pupils, 37)) == [(3, 3)]
    assert told("dfe_cla", table(pupils, 37), table(children, 40)) == [(3, 3)]
    assert told("dfe_cla", table(children, 50), table(pupils, 37)) == []
    assert told("dfe_cla", table(children, 37), table(pupils, 37)) == []
    assert find_companions([table(children, 40)], table(pupils, 37)) == {0}


def test_so_they_are_in_every_category_that_both_tables_have() -> None:
    children, pupils = of_children(by="fsm_status"), of_pupils(by="fsm_status")
    assert told("dfe_cla", table(children, 40, 60, 9), table(pupils, 37, 52, 0)) == [(3, 3)]
    assert told("dfe_cla", table(of_children(), 109), table(pupils, 37, 58, 10)) == [(4, 4)]
    assert told("dfe_cla", table(of_children(" AND fsm_status = 'eligible'"), 40), table(pupils, 37, 52, 0)) == [(3, 3)]


def test_pupils_in_care_are_counted_in_groups_of_pupils_that_say_nothing_of_care() -> None:
    """Of 60 pupils 57 are not in care, as two counts of pupils tell; a count of children says how many are at most."""
    everybody = select("pupil_year", f"{YEAR} AND fsm_status = 'eligible'", "")
    others = select("pupil_year", f"{YEAR} AND fsm_status = 'eligible' AND social_care_group = 'not_known'", "")
    assert told("dfe_cla", table(everybody, 60), table(others, 57)) == [(3, 3)]
    assert told("dfe_cla", table(everybody, 60), table(of_children(" AND fsm_status = 'eligible'"), 40)) == []


def test_what_a_question_calls_its_group_of_pupils_does_not_matter() -> None:
    by_group = select("pupil_year", f"{YEAR} AND social_care_group <> 'not_known'", "social_care_group")
    children = of_children()
    shown = table(by_group, 37, 20, 9, 9, 9, 9)
    assert told("dfe_cla", shown, table(children, 40)) == [(3, 3)]
    assert told("dfe_cla", shown, table(children, 50)) == []


def test_ethnicity_and_attendance_are_recorded_twice_and_tell_nothing_of_each_other() -> None:
    for column in ("ethnicity_major = 'asian'", "persistent_absentee"):
        children, pupils = of_children(f" AND {column}"), of_pupils(f" AND {column}")
        assert told("dfe_cla", table(children, 20), table(pupils, 30)) == []


# --- Children with several rows are children of the record too -----------------------------------------------------


OF_THE_RECORD = [each.name for each in load_catalogue().tables.values() if each.rows_per_child_year > 1]


@pytest.mark.parametrize("source", OF_THE_RECORD)
def test_who_has_a_row_in_a_table_is_a_child_of_the_record(source: str) -> None:
    rows = select(source, f"{YEAR} AND counted_here AND sex = 'F'", "", "COUNT(DISTINCT child)")
    children = select("child_year", f"{YEAR} AND counted_here AND sex = 'F'", "")
    assert told("dfe_cla", table(children, 40), table(rows, 37)) == [(3, 3)]
    assert told("dfe_cla", table(rows, 37), table(children, 40)) == [(3, 3)]
    assert told("dfe_cla", table(rows, 30), table(children, 40)) == []


def test_and_so_by_every_column_that_is_the_childs() -> None:
    rows = select("pep", f"{YEAR} AND counted_here AND sex <> 'U'", "sex", "COUNT(DISTINCT child)")
    children = select("child_year", f"{YEAR} AND counted_here AND sex = 'F'", "")
    assert told("dfe_cla", table(rows, 50, 37), table(children, 40)) == [(3, 3)]


def test_two_tables_of_rows_are_nothing_to_each_other_but_by_all_children() -> None:
    placed = select("placements", f"{YEAR} AND counted_here", "", "COUNT(DISTINCT child)")
    excluded = select("exclusions", f"{YEAR} AND counted_here", "", "COUNT(DISTINCT child)")
    assert told("dfe_cla", table(placed, 40), table(excluded, 37)) == []


def test_there_are_no_fewer_rows_than_children_with_one() -> None:
    """Three suspensions more than children: one to three children had several."""
    where = f"{YEAR} AND counted_here AND exclusion_category = 'suspension'"
    rows, children = select("exclusions", where, ""), select("exclusions", where, "", "COUNT(DISTINCT child)")
    assert told("dfe_cla", table(rows, 40), table(children, 37)) == [(3, 3)]
    assert told("dfe_cla", table(rows, 60), table(children, 37)) == []
    by_term = select("exclusions", where, "term")
    assert (3, 3) in told("dfe_cla", table(by_term, 20, 10, 10, 0), table(children, 37))


def test_a_checker_reads_whom_a_group_is_made_of() -> None:
    """In whichever way it is one that nobody asked for."""
    pupils, plans = of_pupils(), select("pep", f"{YEAR}", "", "COUNT(DISTINCT child)")
    (found,) = tell_hits("301", [table(of_children(), 40), table(pupils, 37)])
    care = "academic_year is 202425 and population is looked_after and counted_here is yes and at_31_march is yes and "
    assert care in found.replace("school_in_area is yes and ", "")
    assert ", less children with a row in pupil_year where " in found
    (found,) = tell_hits("301", [table(plans, 40), table(f"{plans} AND pep_due", 37)])
    assert (
        "(children with a row in pep where academic_year is 202425, less children with a row in pep (pep.pep_due is "
        "yes) where academic_year is 202425)" in found
    )
    (found,) = tell_hits("301", [table(plans, 40), table(plans.replace("DISTINCT child", "*"), 43)])
    assert "(rows of pep where academic_year is 202425, beyond one for each of children with a row in pep" in found


# --- Tables that are joined ----------------------------------------------------------------------------------------

JOINED = "child_year AS c JOIN pep AS p USING (child, academic_year)"
ON_TIME = "academic_year = 202425 AND c.counted_here"


def test_children_of_joined_tables_are_those_with_a_row_in_each() -> None:
    """Of 40 children with a special need 37 have a plan, whether it is joined, or asked about by itself."""
    joined = f"SELECT COUNT(DISTINCT child) AS n FROM {JOINED} WHERE {ON_TIME} AND c.sen_provision = 'ehc_plan'"
    children = select("child_year", f"{YEAR} AND counted_here AND sen_provision = 'ehc_plan'", "")
    assert told("dfe_cla", table(joined, 37), table(children, 40)) == [(3, 3)]
    assert told("dfe_cla", table(joined, 30), table(children, 40)) == []


def test_a_join_that_says_no_more_than_a_table_counts_the_same_children() -> None:
    joined = f"SELECT COUNT(DISTINCT child) AS n FROM {JOINED} WHERE {ON_TIME} AND p.pep_on_time"
    alone = select("pep", f"{YEAR} AND counted_here AND pep_on_time", "", "COUNT(DISTINCT child)")
    linked = link_plans([derive_plan(sql, Path.PER_AUTHORITY) for sql in (joined, alone)])
    assert linked.places[0, 0, "n"] == linked.places[1, 0, "n"]


MOVES = "(SELECT child, academic_year, COUNT(*) AS moves FROM placements GROUP BY child, academic_year)"
COUNTED = "academic_year = 202425 AND c.counted_here"


def test_what_is_worked_out_for_each_child_is_the_childs_whichever_way_it_is_joined() -> None:
    """Of 40 children with placements 37 had three or more."""
    inner = f"SELECT COUNT(*) AS n FROM child_year AS c JOIN {MOVES} AS p USING (child, academic_year) WHERE {COUNTED}"
    outer = (
        f"SELECT COUNT(*) FILTER (WHERE p.moves >= 3) AS n FROM child_year AS c LEFT JOIN {MOVES} AS p "
        f"USING (child, academic_year) WHERE {COUNTED}"
    )
    placed = select("placements", f"{YEAR} AND counted_here", "", "COUNT(DISTINCT child)")
    assert told("dfe_cla", table(f"{inner} AND p.moves >= 3", 37), table(placed, 40)) == [(3, 3)]
    assert told("dfe_cla", table(outer, 40), table(f"{inner} AND p.moves >= 4", 37)) == [(3, 3)]
    linked = link_plans([derive_plan(each, Path.PER_AUTHORITY) for each in (outer, f"{inner} AND p.moves >= 3")])
    assert linked.places[0, 0, "n"] == linked.places[1, 0, "n"]


def test_rows_that_may_be_missing_are_set_against_nothing_and_refused_beside_anything() -> None:
    loose = (
        "SELECT p.pep_quality, COUNT(DISTINCT child) AS n FROM child_year AS c LEFT JOIN pep AS p "
        "USING (child, academic_year) WHERE academic_year = 202425 AND c.sex = 'F' GROUP BY p.pep_quality"
    )
    girls, boys = (select("child_year", f"{YEAR} AND sex = '{sex}'", "") for sex in "FM")
    plans = [derive_plan(each, Path.PER_AUTHORITY) for each in (loose, girls, boys)]
    assert find_related(plans[0], plans[1:]) == {plans[1].plan_id}
    with pytest.raises(TooTangled, match="may be missing"):
        link_plans(plans[:2])
    assert link_plans(plans[:1]).places == {}


# --- Expressions over several columns ------------------------------------------------------------------------------


def test_expressions_over_several_columns_are_cut_by_other_columns_of_them() -> None:
    """Of 53 boys 50 are not 14: whatever else is told, three are."""
    kind = "CASE WHEN age = 14 AND sex = 'M' THEN 'a' WHEN sex = 'M' THEN 'b' ELSE 'c' END"
    where = f"{YEAR} AND counted_here AND sex <> 'U'"
    crossed = f"SELECT {kind} AS kind, COUNT(*) AS n FROM child_year WHERE {where} GROUP BY {kind}"
    by_sex = select("child_year", where, "sex")
    assert (3, 3) in told("dfe_cla", table(crossed, C, 50, C), table(by_sex, 53, C))


# --- What one column says of another -------------------------------------------------------------------------------


def test_a_condition_on_one_column_is_that_on_another_which_says_the_same() -> None:
    """Key Stage 4 is Years 10 and 11: of 40 children 37 are in Year 10, and 3 in Year 11."""
    stage = select("child_year", f"{YEAR} AND counted_here AND key_stage = 'key_stage_4'", "")
    years = select("child_year", f"{YEAR} AND counted_here AND year_group IN (10, 11)", "")
    linked = link_plans([derive_plan(each, Path.PER_AUTHORITY) for each in (stage, years)])
    assert linked.places[0, 0, "n"] == linked.places[1, 0, "n"]
    assert told("dfe_cla", table(stage, 40), table(years.replace("(10, 11)", "(10)"), 37)) == [(3, 3)]


def test_categories_of_one_column_are_made_up_of_those_of_another() -> None:
    """Whatever is withheld elsewhere: 26 of Key Stage 4 less 23 of Year 10."""
    stages = select("child_year", f"{YEAR} AND counted_here", "key_stage")
    years = select("child_year", f"{YEAR} AND counted_here", "year_group")
    by_stage = table(stages, C, C, C, C, 26, C, C)
    by_year = table(years, *[C] * 10, 23, C, *[C] * 4)
    assert (3, 3) in told("dfe_cla", by_stage, by_year)
    assert find_companions([by_stage], by_year) == {10}


def test_nobody_is_looked_for_where_a_definition_says_that_there_is_nobody() -> None:
    """Who is in care for 12 months is so on 31 March: of 40 then 37 are, and 3 came later in the year."""
    then = select("child_year", f"{YEAR} AND counted_here AND at_31_march", "")
    long = select("child_year", f"{YEAR} AND counted_here AND in_care_12_months", "")
    assert told("dfe_cla", table(then, 40), table(long, 37)) == [(3, 3)]
    assert told("dfe_cla", table(then, 40), table(long, 30)) == []
