"""Whatever a node withholds beside earlier tables, its release has a certificate: by its own totals nothing is told."""

from collections.abc import Iterator, Sequence
from itertools import product
from random import Random

import pytest

from disclosure_control.linked.published import Published
from disclosure_control.presets.preset import Preset
from disclosure_control.presets.shipped import load_preset
from disclosure_control.release.gate import release_tables
from disclosure_control.rows.protected_table import seal_table
from disclosure_control.suppression.release_attack import attack_release, certify_release, verify_release_certificate
from federation.manifest import Path
from federation.plans import derive_plan
from tests.disclosure_control.known_children import Child, answer
from tests.disclosure_control.suppression.tables import Drawn, Row, bound_cell

PRESETS = ("dfe_cla", "dfe_cin", "ukllc", "opensafely", "ons_10_5", "acro", "nhs_hes", "ofqual")
SIZES = (0, 0, 1, 2, 3, 5, 7, 9, 13, 20)

ASKED = "FROM child_year WHERE academic_year = 202425 AND counted_here AND sex IN ('M', 'F') AND age BETWEEN 14 AND 16"
PLANS = [
    derive_plan(f"SELECT {columns} {ASKED} {grouped}", Path.PER_AUTHORITY)
    for columns, grouped in (
        ("sex, age, COUNT(DISTINCT child) AS d, COUNT(*) FILTER (WHERE uasc) AS u", "GROUP BY CUBE (sex, age)"),
        (
            "sex, age, COUNT(DISTINCT child) AS d, COUNT(DISTINCT child) FILTER (WHERE uasc) AS u",
            "GROUP BY ROLLUP (sex, age)",
        ),
        (
            "sex, age, COUNT(*) AS n, COUNT(DISTINCT child) AS d, AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS s",
            "GROUP BY CUBE (sex, age)",
        ),
        ("age, COUNT(DISTINCT child) AS d", "AND uasc GROUP BY ROLLUP (age)"),
    )
]

TOLD_BY_ITS_TOTALS = (107, 154)
"""Those in which a row that is withheld for one column's sake leaves another column's count to the table's totals."""

TOTALS_OF_ZEROS = (183,)
"""One in which a row is withheld for the sake of one count, and another of it is a total of printed zeros."""

FEW = (*range(4), *TOLD_BY_ITS_TOTALS, *TOTALS_OF_ZEROS)
SEEDS = [*FEW, *(pytest.param(seed, marks=pytest.mark.deep) for seed in range(256) if seed not in FEW)]


def answer_in_turn(seed: int) -> Sequence[Published]:
    """Some of these questions about drawn children, one after the other."""
    draw = Random(seed)
    children: list[Child] = [
        {"sex": sex, "age": age, "uasc": uasc}
        for sex, age, uasc in product("MF", (14, 15, 16), (True, False))
        for _ in range(draw.choice(SIZES))
    ]
    preset = load_preset(draw.choice(PRESETS))
    return answer(draw.sample(PLANS, draw.choice([1, 2, 3])), children, preset)


PARENTS = {
    "sex": {"M": "Total", "F": "Total", "Total": ""},
    "age": {"14": "Total", "15": "Total", "16": "Total", "Total": ""},
}


def told_by(table: Published, label: str) -> Iterator[Row]:
    """The withheld counts of a column that another reader finds told, who goes by the totals alone.

    But for those of whose children by sex and age, each of them, a 0 is printed as some of theirs are withheld.
    """
    names = [each.label for each in table.plan.outputs]
    columns = tuple(each for each in names if each in PARENTS)
    parents = tuple(PARENTS[each] for each in columns)
    layout = Drawn(columns, parents, parents, dict.fromkeys(product(*parents), 0))
    shown = {tuple(map(str, row[: len(columns)])): row[names.index(label)] for row in table.rows}
    known = {row: limits_of(shown.get(row), table.preset, label) for row in layout.figures}
    nobody = {row for row, entry in shown.items() if entry == 0 and label == "u"}
    for row in [row for row, entry in shown.items() if entry == "c"]:
        counted = [each for each in product(*map(set, parents)) if "Total" not in each and is_counted(each, row)]
        low, high = bound_cell(layout, known, row)
        least = table.preset.smallest_count_shown
        if not nobody.issuperset(counted) and (high < least - 1e-6 or high - low < 1e-6):
            yield row


def is_counted(children: Row, row: Row) -> bool:
    return all(ours in (theirs, "Total") for theirs, ours in zip(children, row, strict=True))


def limits_of(entry: object, preset: Preset, label: str) -> tuple[int, int | None]:
    """What is known of a count by itself: of all whom its table is about c is none only where zeros are withheld."""
    if isinstance(entry, int):
        return preset.printed_range(entry)
    return (0 if entry is None or label == "u" else preset.withheld_range[0]), None


@pytest.mark.parametrize("seed", SEEDS)
def test_every_release_has_a_certificate_that_holds(seed: int) -> None:
    for each in answer_in_turn(seed):
        table = seal_table(each.plan, each.preset, tuple(each.rows))
        document = release_tables({"301": table}, {"302": "late"}, each.plan, each.preset).to_json()
        verify_release_certificate(certify_release(document, each.plan), document, each.plan)
        assert all(found.is_safe for _, _, found in attack_release(document, each.plan))
        for label in {"n", "d", "u"}.intersection(output.label for output in each.plan.outputs):
            assert not list(told_by(each, label))
