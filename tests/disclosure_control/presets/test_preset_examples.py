"""Every preset's spec table: seven cells in, and what is printed of them at each level."""

import pytest

from disclosure_control.cell_key.perturbing import CellKeys, protect_counts
from disclosure_control.cell_key.tables import find_table
from disclosure_control.presets.preset import LEVELS
from disclosure_control.presets.shipped import list_presets, load_preset
from disclosure_control.rows.protection import protect
from query_engine.planning.record_keys import keys_of, with_record_keys
from query_engine.tables import RawTable
from tests.disclosure_control.conftest import MakePlan, MakeRaw, read_table
from tests.disclosure_control.presets.preset_examples import CELLS, KEYED_CELLS, QUESTION, RELEASED, REMARKS
from tests.disclosure_control.rounding_presets import ROUNDING


@pytest.mark.parametrize("name", ROUNDING)
def test_what_a_preset_prints(name: str, make_plan: MakePlan, make_raw: MakeRaw) -> None:
    """The table of `docs/presets.md`: no row is missing, and no figure is a blank."""
    raw = make_raw(make_plan(QUESTION), CELLS)
    printed = [protect(raw, load_preset(name).at(level)).rows for level in LEVELS]
    rows = [
        {
            "age": str(authority[0]),
            **dict(zip(LEVELS, (str(row[1]) for row in (authority, region, nation)), strict=True)),
            "share": str(authority[2]),
            "mean": str(authority[3]),
            "nation share": str(nation[2]),
            "nation mean": str(nation[3]),
        }
        for authority, region, nation in zip(*printed, strict=True)
    ]
    assert rows == read_table(RELEASED[name])


@pytest.mark.parametrize("name", sorted(set(list_presets()) - set(ROUNDING)))
def test_what_a_preset_with_cell_keys_prints(name: str, make_plan: MakePlan) -> None:
    """The same cells, each with its keys: what is printed is the same at every level."""
    plan = with_record_keys(make_plan(QUESTION.replace(", AVG(placements) AS mean", "")), 256)
    count, part = plan.outputs[2].statistics
    drawn = dict(zip(("children", "key", "share.yes", "yes key"), _columns(), strict=True))
    figures = {count: drawn["children"], part: drawn["share.yes"]}
    keys = {keys_of(count, 256): drawn["key"], keys_of(part, 256): drawn["yes key"]}
    raw = RawTable(plan, {each.name: (figures | keys).get(each.name, [0] * 7) for each in plan.statistics})
    for level in LEVELS:
        preset = load_preset(name).at(level)
        assert preset.cell_key is not None
        printed = protect_counts(raw, CellKeys(find_table(preset.cell_key), preset, b"s" * 32)).rows
        rows = [dict(zip(("age", "n", "share"), map(str, row), strict=True)) for row in printed]
        assert rows == read_table(RELEASED[name])


def _columns() -> list[list[int]]:
    rows = [list(map(int, list(row.values())[1:])) for row in read_table(KEYED_CELLS)]
    return [list(column) for column in zip(*rows, strict=True)]


@pytest.mark.parametrize("name", ROUNDING)
def test_a_share_is_that_of_the_printed_counts(name: str, make_plan: MakePlan, make_raw: MakeRaw) -> None:
    """A reader who divides the printed counts gets the printed share, at every level."""
    sql = QUESTION.replace("COUNT(*) AS n", "COUNT(*) AS n, COUNT(*) FILTER (WHERE uasc) AS yes")
    raw = make_raw(make_plan(sql), CELLS.replace("share.yes", "yes.yes"))
    for level in LEVELS:
        preset = load_preset(name).at(level)
        age, count, yes, share, _ = protect(raw, preset).rows[5]
        assert age == 15
        assert isinstance(count, int)
        assert isinstance(yes, int)
        assert str(share) == f"{yes / count:.{preset.proportion_decimals}f}"


def test_every_preset_has_its_spec_table_and_a_remark() -> None:
    assert tuple(RELEASED) == tuple(REMARKS) == list_presets()
