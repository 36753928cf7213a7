"""Which questions have to do with each other, and that the others play no part."""

from disclosure_control.linked.children.related import find_related
from disclosure_control.linked.joint_attack import attack_together
from disclosure_control.linked.published import Published, entries_of, link_published, rules_of
from disclosure_control.symbols import Symbol
from federation.manifest import Path
from federation.plans import derive_plan
from query_engine.planning.plan import QueryPlan
from tests.disclosure_control.linked.test_linked import table

CHILDREN = "FROM child_year WHERE academic_year = 202425 AND counted_here AND sex IN ('M', 'F')"


def plan(where: str) -> QueryPlan:
    return derive_plan(f"SELECT COUNT(*) AS n {CHILDREN} AND {where}", Path.PER_AUTHORITY)


def test_questions_about_the_same_children_are_related_and_so_is_what_they_lead_to() -> None:
    young, middle, old = plan("age < 9"), plan("age BETWEEN 5 AND 14"), plan("age > 10")
    apart = plan("age > 16")
    others = [middle, old, apart]
    assert find_related(young, others) == {middle.plan_id, old.plan_id, apart.plan_id}
    assert find_related(young, [old, apart]) == frozenset()
    assert find_related(young, [young, apart]) == {young.plan_id}


def test_what_is_counted_in_another_table_or_not_counted_at_all_is_not_related() -> None:
    years = "SELECT MEDIAN(age) AS m FROM child_year WHERE academic_year = {} AND counted_here"
    one, other = (derive_plan(years.format(year), Path.PER_AUTHORITY) for year in (202425, 202324))
    assert find_related(one, [other]) == frozenset()


def test_unrelated_tables_change_nothing_that_is_told() -> None:
    """Of a table and its total one count is told, whatever else is known of other children."""
    by_sex = table(f"SELECT sex, COUNT(*) AS n {CHILDREN} AND age < 9 GROUP BY sex", 50, Symbol.CONFIDENTIAL)
    whole = table(f"SELECT COUNT(*) AS n {CHILDREN} AND age < 9", 53)
    apart = table(f"SELECT sex, COUNT(*) AS n {CHILDREN} AND age > 12 GROUP BY sex", 40, Symbol.CONFIDENTIAL)
    assert find_related(whole.plan, [by_sex.plan, apart.plan]) == {by_sex.plan.plan_id}

    def told(*tables: Published) -> list[tuple[int | None, int | None]]:
        found = attack_together(link_published(tables), entries_of(tables), rules_of(tables)).told
        return [(each.known.low, each.known.high) for each in found]

    assert told(by_sex, whole) == told(by_sex, apart, whole) == [(3, 3)]
