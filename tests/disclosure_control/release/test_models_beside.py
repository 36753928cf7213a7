"""Models beside other totals: their number of rows is subtracted as any count, and one of all less one of others."""

import pytest

from disclosure_control.linked.published import Published
from disclosure_control.models.release import ReleasedModel
from disclosure_control.models.row_count import count_rows, plan_rows
from disclosure_control.presets.shipped import load_preset
from disclosure_control.release.gate import ReleaseRefused
from disclosure_control.release.totals import release_exact_total
from disclosure_control.rows.secondary import Neighbours
from federation.manifest import Path
from federation.plans import derive_plan
from query_engine.models.counts import ChildCount
from query_engine.models.design import Product
from query_engine.tables import RawTable
from tests.disclosure_control.of_many import of_many

ANSWERED = ("301", "302")
WHOSE = "FROM child_year WHERE academic_year = 202425 AND counted_here AND age IN (13, 14, 15)"
MODEL = "SELECT FIT_LINEAR(sdq_score, age) AS m {}"
ONS = load_preset("ons_10_5")


def release(where: str, children: int) -> ReleasedModel:
    """The model of so many children, half of each age, beside nothing."""
    return release_beside((), where, children)


def release_beside(earlier: tuple[Published, ...], where: str, children: int) -> ReleasedModel:
    """Half of them are 14 and half 15, and their scores are 10 and 14, give or take 2."""
    plan, half = derive_plan(MODEL.format(where), Path.EXACT_SUM), children // 2
    assert plan.model is not None
    sums = {
        Product(): children,
        Product(("sdq_score",)): 24 * half,
        Product(("age",)): 29 * half,
        Product(("age", "sdq_score")): 350 * half,
        Product(("age", "age")): 421 * half,
        Product(("sdq_score", "sdq_score")): 304 * half,
    }
    figures = {each.name: [children] for each in plan.statistics}
    figures |= {name: [sums[product]] for product, name in plan.model.sums.items()}
    figures |= {plan.model.left_out: [0]} if plan.model.left_out else {}
    raw = RawTable(plan, figures)
    model = release_exact_total(plan, raw, of_many(raw), ANSWERED, {}, ONS, Neighbours(earlier))
    assert isinstance(model, ReleasedModel)
    return model


def published(where: str, children: int) -> Published:
    """The same model of others, as a hub keeps it."""
    plan = plan_rows(derive_plan(MODEL.format(where), Path.EXACT_SUM))
    return Published("R-1", plan, ONS.at("nation"), (count_rows(release(where, children)),), ANSWERED)


def counted(where: str, children: int) -> Published:
    plan = derive_plan(f"SELECT COUNT(*) AS n {where}", Path.EXACT_SUM)
    return Published("R-2", plan, ONS.at("nation"), ((children,),), ANSWERED)


@pytest.mark.parametrize(("children", "is_released"), [(400, False), (430, True)])
def test_the_rows_of_a_model_are_subtracted_as_a_count(children: int, is_released: bool) -> None:
    """395 who have a score came with somebody, and 400 have one: so 1 to 9 are left."""
    others = counted(f"{WHOSE} AND sdq_score >= 0 AND NOT uasc", 395)
    if is_released:
        release_beside((others,), WHOSE, children)
    else:
        with pytest.raises(ReleaseRefused, match="too few children"):
            release_beside((others,), WHOSE, children)
    table = plan_rows(derive_plan(MODEL.format(WHOSE), Path.EXACT_SUM))
    assert [each.kind for each in table.outputs] == ["count", "model"]


@pytest.mark.parametrize(("others", "is_released"), [(390, False), (360, True)])
def test_a_model_of_all_less_that_of_others_is_held_to_the_smallest_number_of_models(
    others: int, is_released: bool
) -> None:
    """Of 400, 390 are known, each to within two: those who are left are 6 to 14, and a model asks for ten."""
    earlier = published(f"{WHOSE} AND NOT uasc", others)
    if is_released:
        release_beside((earlier,), WHOSE, 400)
        return
    with pytest.raises(ReleaseRefused, match="too few children"):
        release_beside((earlier,), WHOSE, 400)
    count = counted(f"{WHOSE} AND NOT uasc AND sdq_score >= 0", others)
    release_beside((count,), WHOSE, 400)


def test_other_models_of_others_are_no_trouble() -> None:
    earlier = published(f"{WHOSE} AND NOT uasc", 390)
    row = (*earlier.rows[0][:1], 1)
    plan = plan_rows(derive_plan(f"SELECT FIT_LINEAR(sdq_score, placements) AS m {WHOSE}", Path.EXACT_SUM))
    assert {each.label for each in plan.outputs}.isdisjoint({each.label for each in earlier.plan.outputs} - {"rows"})
    release_beside((Published("R-3", plan, ONS.at("nation"), (row,), ANSWERED),), WHOSE, 400)


def test_a_plan_of_a_table_is_as_it_is() -> None:
    plan = derive_plan(f"SELECT COUNT(*) AS n {WHOSE}", Path.EXACT_SUM)
    assert plan_rows(plan) is plan
    model = derive_plan(MODEL.format(WHOSE), Path.EXACT_SUM)
    assert model.model is not None
    assert model.model.counts[ChildCount()] in {each.name for each in plan_rows(model).statistics}
    assert count_rows(release(WHOSE, 400))[0] == 400
