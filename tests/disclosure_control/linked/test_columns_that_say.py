"""What columns say of each other, and of who has which rows: two counts that differ by three tell of the three."""

import pytest

from disclosure_control.linked.companions import find_companions
from disclosure_control.linked.counts.links import link_plans
from federation.manifest import Path
from federation.plans import derive_plan
from query_engine.geography import load_authorities
from tests.disclosure_control.linked.test_linked import C, table, told
from tests.disclosure_control.told_words import tell_hits

CHILDREN = "SELECT COUNT(*) AS n FROM child_year"
NORTH_EAST = ", ".join(f"'{each.code}'" for each in load_authorities().values() if each.region == "North East")
OTHERS = "at_31_march AND period_of_care_length <> 'under_12_months'"
BY_AGE = "birth_term = 'autumn' AND age IN (6, 7, 8, 9, 10)"
GRADES = "'inclusion_exceptional', 'inclusion_strong_standard', 'inclusion_expected_standard'"


def asked_of(rows: str) -> str:
    return f"SELECT COUNT(DISTINCT child) AS n FROM {rows}"


NESTED = {
    "rows of another table": (
        (CHILDREN, "permanently_excluded"),
        (asked_of("exclusions"), "exclusion_category = 'permanent' AND term <> 'summer'"),
    ),
    "rows of several kinds": (
        (CHILDREN, "(suspensions >= 1 OR permanently_excluded)"),
        (asked_of("exclusions"), "excluded_in_care"),
    ),
    "a move by its row": ((CHILDREN, "managed_moves >= 1"), (asked_of("school_moves"), "managed_move AND age <> 7")),
    "any row": ((CHILDREN, "population = 'looked_after'"), (asked_of("placements"), "age <> 7")),
    "the last of several rows": (
        (asked_of("placements"), "placement_type = 'secure_home'"),
        (CHILDREN, "placement_type = 'secure_home' AND placement_provider = 'private'"),
    ),
    "a result by its row": (
        (CHILDREN, "attainment8 >= 40"),
        (asked_of("attainment"), "assessment = 'ks4' AND attainment8 >= 40 AND age <> 15"),
    ),
    "a standard by its row": (
        (CHILDREN, "phonics_met"),
        (asked_of("attainment"), "assessment = 'phonics' AND met_expected AND age <> 6"),
    ),
    "two conditions on one row": (
        (asked_of("absences"), "authorised"),
        (asked_of("absences"), "absence_reason IN ('illness', 'traveller') AND age <> 7"),
    ),
    "a region by its authorities": (
        (CHILDREN, "host_region = 'North East'"),
        (CHILDREN, f"host_authority IN ({NORTH_EAST}) AND age <> 7"),
    ),
    "a condition over two columns": ((CHILDREN, "in_care_12_months"), (CHILDREN, f"{OTHERS} AND age <> 7")),
    "its converse": ((CHILDREN, f"{OTHERS}"), (CHILDREN, "in_care_12_months AND age <> 7")),
    "an age and a term of birth": ((CHILDREN, BY_AGE), (CHILDREN, "birth_term = 'autumn' AND year_group IN (1, 2, 3)")),
    "an age and a key stage": ((CHILDREN, "(key_stage = 'key_stage_1' OR key_stage IS NULL)"), (CHILDREN, "age = 6")),
    "a value, where another is not missing": (
        (CHILDREN, "population = 'care_leaver'"),
        (CHILDREN, "in_touch IN ('yes', 'no', 'died', 'refused', 'not_required', 'returned_home')"),
    ),
    "missing together": ((CHILDREN, "months_in_care IS NULL"), (CHILDREN, "placements IS NULL AND age <> 20")),
    "a framework by its grades": (
        (CHILDREN, "ofsted_framework = 'report_card'"),
        (CHILDREN, f"ofsted_grade IN ({GRADES})"),
    ),
    "a band of a score": ((CHILDREN, "sdq_returned"), (CHILDREN, "sdq_score BETWEEN 0 AND 40 AND age <> 7")),
    "a number that bounds another": (
        (CHILDREN, "attendance_rate < 0.96"),
        (CHILDREN, "sessions_missed_unauthorised_rate >= 0.05"),
    ),
    "what follows by a third column": (
        (CHILDREN, "population = 'looked_after'"),
        (CHILDREN, "in_care_12_months AND age <> 7"),
    ),
    "what follows by one that nobody names": (
        (CHILDREN, "key_stage = 'post_16'"),
        (CHILDREN, "destination_16 = 'neet'"),
    ),
}
Asked = tuple[str, str]


def where(asked: Asked) -> str:
    select, condition = asked
    return f"{select} WHERE academic_year = 202425 AND {condition}"


@pytest.mark.parametrize(("wide", "narrow"), NESTED.values(), ids=NESTED)
def test_counts_of_whom_one_says_that_they_are_among_the_other_tell_of_the_rest(wide: Asked, narrow: Asked) -> None:
    first, last = table(where(wide), 40), table(where(narrow), 37)
    assert (3, 3) in told("dfe_cla", first, last)
    assert find_companions([first], last) == {0}
    assert told("dfe_cla", first, table(where(narrow), 28)) == []


def test_children_with_the_column_and_children_with_the_row_are_the_same() -> None:
    """17 of 20 passed the check, so that those who have a row that says that they did not are the other three."""
    rows = f"{asked_of('attainment')} WHERE academic_year = 202425 AND assessment = 'phonics' AND met_expected"
    passed, failed = table(rows, 17), table(f"{rows} = FALSE", C)
    assert (3, 3) in told("dfe_cla", passed, failed, table(where((CHILDREN, "phonics_met IS NOT NULL")), 20))
    numbers = [derive_plan(each, Path.PER_AUTHORITY) for each in (where((CHILDREN, "phonics_met")), rows)]
    linked = link_plans(numbers)
    assert len({*linked.places.values()}) == 1


def test_categories_of_a_column_are_set_against_who_has_the_rows() -> None:
    """A question that groups by the column says of each category whether they have such a row."""
    by_column = "SELECT permanently_excluded, COUNT(*) AS n FROM child_year WHERE academic_year = 202425"
    rows = where((asked_of("exclusions"), "exclusion_category = 'permanent' AND term <> 'summer'"))
    grouped = table(f"{by_column} GROUP BY permanently_excluded", 90, 40, 0)
    assert told("dfe_cla", grouped, table(rows, 37)) == [(3, 3)]
    assert told("dfe_cla", grouped, table(rows, 20)) == []


def test_whom_some_categories_leave_of_another_is_put_in_words() -> None:
    """Of key stage 2 all are 8 to 10 but three, who are among those who are 11."""
    by = "SELECT {0}, COUNT(*) AS n FROM child_year WHERE academic_year = 202425 AND age BETWEEN 8 AND 13"
    by += " AND key_stage IN ('key_stage_2', 'key_stage_3') GROUP BY {0}"
    by_stage, by_age = table(by.format("key_stage"), 123, 140), table(by.format("age"), 40, 40, 40, 43, 50, 50)
    same = "children where academic_year is 202425 and age is 8 to"
    assert tell_hits("301", [by_stage, by_age]) == [
        f"301: a group for whom nobody asked, who tell counts apart ({same} 11 and key_stage is key_stage_2, less "
        f"{same} 10 and key_stage is key_stage_2), is known to be 3 from this release and R-1."
    ]
