"""Totals over a roster: what is released of an opened sum, exact or with noise, and what the gate refuses."""

import json
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disclosure_control.models.release import ReleasedModel
from disclosure_control.models.withholding import ModelWithheld
from disclosure_control.noise.shares import MODULUS
from disclosure_control.noise.terms import NoiseTerms
from disclosure_control.presets.shipped import load_preset
from disclosure_control.release.gate import ReleasedTable, ReleaseRefused, read_released, release_tables
from disclosure_control.release.showing import show_table
from disclosure_control.release.totals import release_exact_total, release_noisy_total
from disclosure_control.rows.protection import protect
from disclosure_control.symbols import Symbol
from query_engine.planning.centred_sums import centre_sums, take
from query_engine.planning.paths import plan_for_path
from query_engine.planning.plan import Path, QueryPlan
from query_engine.tables import RawTable
from tests.disclosure_control.conftest import MakeRaw
from tests.disclosure_control.drawn_releases import make_plan
from tests.disclosure_control.of_many import of_many

ONS = load_preset("ons_10_5")

ANSWERED, ABSENT = ("202", "203", "301"), {"302": "late", "303": "table_barred"}
FEW = NoiseTerms("1", 5, 2, 1)

SHARE = "AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS share"
BY_SEX = f"SELECT sex, COUNT(*) AS n, {SHARE} FROM child_year WHERE sex IN ('M', 'F') GROUP BY sex"
CELLS = """
    sex | children | share.yes
    M   | 1203     | 301
    F   | 9        | 5
"""


def plan_of(sql: str, path: Path) -> QueryPlan:
    return plan_for_path(make_plan(sql), path)


def exact_total(sql: str, cells: str, preset: str, make_raw: MakeRaw) -> ReleasedTable:
    plan = plan_of(sql, "exact_sum")
    raw = make_raw(plan, cells)
    released = release_exact_total(plan, raw, of_many(raw), ANSWERED, ABSENT, load_preset(preset))
    assert isinstance(released, ReleasedTable)
    return released


def noisy_total(sql: str, sums: Mapping[str, list[int]], terms: NoiseTerms = FEW) -> ReleasedTable:
    """A total of these noised sums about 0: `sums` names how each statistic's name begins."""
    plan = plan_of(sql, "noisy_sum")
    columns = {each.name: next(sums[name] for name in sums if each.name.startswith(name)) for each in plan.statistics}
    values = [figure % MODULUS for column in take(centre_sums(plan), columns).values() for figure in column]
    return release_noisy_total(plan, values, terms, ANSWERED, ABSENT, ONS)


# --- Exact totals --------------------------------------------------------------------------------------------------


def test_an_exact_total_in_a_terminal(make_raw: MakeRaw) -> None:
    """No authority column; protected by the preset; who is in it and who is not; and the method."""
    table, notes = exact_total(BY_SEX, CELLS, "ons_10_5", make_raw).to_text().split("\n\n")
    assert table.splitlines() == [
        "sex     n  share",
        "M    1205  0.249",
        "F       c      c",
    ]
    assert notes.splitlines()[:3] == [
        "c  withheld to protect confidentiality",
        "302: no answer came in time (late)",
        "303: it does not answer about a table of the question (table_barred)",
    ]
    method = " ".join(line.strip() for line in notes.splitlines()[3:])
    assert method.startswith("A total over 3 of 5 authorities. Their figures were added up under masks")
    assert method.endswith(ONS.method)


def test_an_exact_total_is_protected_as_an_authoritys_table_is(make_raw: MakeRaw) -> None:
    """The same figures pass, and the same are withheld, totals that are no counts over withheld cells among them."""
    sql = BY_SEX.replace("GROUP BY sex", "GROUP BY ROLLUP (sex)")
    cells = CELLS + "    Total | 1212 | 306"
    total = exact_total(sql, cells, "opensafely", make_raw)
    own = make_raw(make_plan(sql), cells)
    assert total.rows == protect(own, load_preset("opensafely")).rows
    assert total.rows[-1] == ("Total", 1210, "c")


def test_a_preset_that_prints_exact_totals_protects_none(make_raw: MakeRaw) -> None:
    """England less eight regions that are printed would be the ninth, which is withheld."""
    with pytest.raises(ReleaseRefused, match="preset ukllc prints exact counts"):
        exact_total(BY_SEX, CELLS, "ukllc", make_raw)


def test_a_total_is_rounded_as_the_preset_rounds_the_nation(make_raw: MakeRaw) -> None:
    """The Department prints an authority's counts exactly, and England's to the nearest 10; the method says so."""
    total = exact_total(BY_SEX, CELLS, "dfe_cla", make_raw)
    assert [row[1] for row in total.rows[:2]] == [1200, 10]
    assert "Counts are rounded to the nearest 10." in total.method
    assert total.method.endswith(load_preset("dfe_cla").claims.nation)


def test_a_total_as_csv_and_json(make_raw: MakeRaw) -> None:
    total = exact_total(BY_SEX, CELLS, "ons_10_5", make_raw)
    assert total.to_csv().splitlines() == ["sex,n,share", "M,1205,0.249", "F,c,c"]
    document = total.to_json()
    assert (document["path"], document["noise"]) == ("exact_sum", None)
    assert (document["answered"], document["absent"]) == (["202", "203", "301"], ABSENT)
    assert document["columns"] == ["sex", "n", "share"]


def test_a_total_of_one_figure_has_one_column(make_raw: MakeRaw) -> None:
    total = exact_total("SELECT COUNT(*) AS n FROM child_year", "children\n4321", "ons_10_5", make_raw)
    assert total.to_csv().splitlines() == ["n", "4320"]
    assert read_released(json.loads(json.dumps(total.to_json()))) == total


MODEL = "SELECT FIT_LINEAR(sdq_score, age) AS m FROM child_year WHERE age IN (13, 14, 15)"


def model_sums(plan: QueryPlan, children: int) -> RawTable:
    """As many children of 14 as of 15, whose scores are 10 and 14, give or take 2."""
    half = children // 2
    sums = {
        "sdq_score": 24 * half,
        "age": 29 * half,
        "age*sdq_score": (140 + 210) * half,
        "age*age": (196 + 225) * half,
        "sdq_score*sdq_score": (104 + 200) * half,
    }

    def figure_of(name: str, kind: str) -> int:
        product = name.partition(":")[2].split(" ")[0]
        if kind == "sum":
            return sums[product]
        return 0 if name.endswith(incomplete) else children

    assert plan.model is not None
    incomplete = (plan.model.left_out or "none").removeprefix("children:")
    return RawTable(plan, {each.name: [figure_of(each.name, each.kind)] for each in plan.statistics})


def test_a_model_is_released_of_an_exact_total() -> None:
    """Fitted from the sums of all that answered, with who they are; a few children are told of by none."""
    plan = plan_of(MODEL, "exact_sum")
    sums, few = model_sums(plan, 400), model_sums(plan, 4)
    model = release_exact_total(plan, sums, of_many(sums), ANSWERED, ABSENT, ONS)
    assert isinstance(model, ReleasedModel)
    assert (model.plan_id, model.rows, model.answered, model.absent) == (plan.plan_id, 400, ANSWERED, ABSENT)
    assert model.notes[0].startswith("A total over 3 of 5 authorities.")
    assert model.to_json()["absent"] == ABSENT
    assert "302: no answer came in time (late)" in model.to_text()
    with pytest.raises(ModelWithheld):
        release_exact_total(plan, few, of_many(few), ANSWERED, ABSENT, ONS)


# --- Noisy totals --------------------------------------------------------------------------------------------------


def test_a_noisy_total_in_a_terminal() -> None:
    """Whole numbers as they came out, negative ones too; what noise drowns is u; and what is promised, in words."""
    total = noisy_total(BY_SEX, {"rows:": [301, -2], "rows": [1203, -4]})
    table, notes = total.to_text().split("\n\n")
    assert table.splitlines() == [
        "sex     n  share",
        "M    1203  0.250",
        "F      -4      u",
    ]
    assert notes.splitlines()[:2] == [
        "u  of low reliability: the noise in what it is divided by could be as large as that is",
        "302: no answer came in time (late)",
    ]
    method = " ".join(line.strip() for line in notes.splitlines()[3:])
    assert method == total.method
    for promise in (
        "A total over 3 of 5 authorities.",
        "change the chance of any outcome by a factor of exp(1) at most (epsilon 1)",
        "each of 2 equal parts of epsilon is for one of 2 kinds of sums",
        "of 5 nodes, 2 might have been missing, and 1 of the others may tell what they added; 3 answered",
        "epsilon achieved, 1; rho achieved, 0.25.",
        "Standard deviation of the noise: n 3.43.",
        "can be negative",
        "Decimal places are those of preset ons_10_5, version 3, of which nothing else applies.",
    ):
        assert promise in method


RELIABLE = [
    # asked of child_year                     the noised sums                                       released
    ("COUNT(*) AS n", {"rows": [-7]}, [-7]),
    ("COUNT(*) AS n", {"rows": [3]}, [3]),
    ("SUM(suspensions) AS n", {"sum:": [-12]}, [-12]),
    ("SUM(uasc) AS n", {"rows": [4]}, [4]),
    # Noise of scale 2 among 3 of 2 relied on lies within 8, so that a divisor must exceed 16.
    (SHARE, {"rows:": [4], "rows": [17]}, ["0.235"]),
    (SHARE, {"rows:": [4], "rows": [16]}, ["u"]),
    (SHARE, {"rows:": [4], "rows": [-100]}, ["u"]),
    (SHARE, {"rows:": [-3], "rows": [100]}, ["0.000"]),
    (SHARE, {"rows:": [103], "rows": [100]}, ["1.000"]),
    ("AVG(sdq_score) AS m", {"sum:": [1330], "rows": [100]}, ["13.3"]),
    ("AVG(sdq_score) AS m", {"sum:": [-5], "rows": [100]}, ["0.0"]),
    ("AVG(sdq_score) AS m", {"sum:": [9999], "rows": [100]}, ["40.0"]),
    ("AVG(sdq_score) AS m", {"sum:": [130], "rows": [10]}, ["u"]),
    # Squares of scores take noise of scale 1,200, and a sum of products of n and those must exceed it.
    ("STDDEV(sdq_score) AS s", {"sum:sdq_score*": [2_260_000], "sum:": [133_000], "rows": [10_000]}, ["7.0"]),
    # What noise moves by 4,403, by 1,034 and by 2,961 times n, of three kinds, it moves by 5,406 times n together.
    ("STDDEV(sdq_score) AS s", {"sum:sdq_score*": [67_800], "sum:": [3_990], "rows": [300]}, ["7.0"]),
    ("STDDEV(sdq_score) AS s", {"sum:sdq_score*": [45_200], "sum:": [2_660], "rows": [200]}, ["u"]),
    ("STDDEV(sdq_score) AS s", {"sum:sdq_score*": [22_600], "sum:": [1_330], "rows": [100]}, ["u"]),
    ("STDDEV(sdq_score) AS s", {"sum:sdq_score*": [100], "sum:": [133_000], "rows": [10_000]}, ["u"]),
]


@pytest.mark.parametrize(("asked", "sums", "released"), RELIABLE)
def test_what_is_printed_of_noised_sums(asked: str, sums: dict[str, list[int]], released: list[int | str]) -> None:
    """A count is printed whatever it is; what is divided needs something to divide by that is more than noise."""
    (row,) = noisy_total(f"SELECT {asked} FROM child_year", sums).rows
    assert [entry if isinstance(entry, int) else str(entry) for entry in row] == released


def test_a_median_is_found_in_noised_bins() -> None:
    plan = plan_of("SELECT MEDIAN(sdq_score) AS m FROM child_year", "noisy_sum")
    bins = plan.outputs[0].bins

    def median(*counts: int) -> object:
        found = [*counts, *[0] * (len(bins) - len(counts))]
        named = dict(zip(plan.outputs[0].statistics, found, strict=True))
        values = [named[each.name] % MODULUS for each in plan.statistics]
        return release_noisy_total(plan, values, FEW, ANSWERED, ABSENT, ONS).rows[0][0]

    assert median(10, 500, 10) == (bins[1][0] + bins[1][1]) / 2
    assert median(-3, 500, -10) == (bins[1][0] + bins[1][1]) / 2
    assert median(1, 2, 3) is Symbol.UNRELIABLE


def test_noise_is_told_for_every_grouping_set() -> None:
    """Children of a table with several rows to a child have more noise in the cells than in the total."""
    sql = "SELECT sex, COUNT(DISTINCT child) AS n FROM pep GROUP BY ROLLUP (sex)"
    total = noisy_total(sql, {"children": [1, 2, 3, 4, 10]})
    assert "each of 2 equal parts of epsilon is for one of 2 grouping sets" in total.method
    assert "n 13.8 / 3.43" in total.method


@pytest.mark.parametrize(("terms", "answered"), [(NoiseTerms("1", 5, 1, 1), 3), (NoiseTerms("1", 2, 0, 0), 3)])
def test_a_total_over_too_few_or_too_many_is_not_released(terms: NoiseTerms, answered: int) -> None:
    """Fewer than the terms allow for have made less noise than was promised."""
    with pytest.raises(ReleaseRefused, match=f"{answered} nodes answered, and the terms are for"):
        noisy_total("SELECT COUNT(*) AS n FROM child_year", {"rows": [5]}, terms)


# --- Both ----------------------------------------------------------------------------------------------------------

Gate = Callable[[QueryPlan, tuple[str, ...], Mapping[str, str]], object]
COUNT = "SELECT COUNT(*) AS n FROM child_year"


def exact_gate(plan: QueryPlan, answered: tuple[str, ...], absent: Mapping[str, str]) -> object:
    raw = RawTable(plan, {each.name: [100] * plan.cells for each in plan.statistics})
    return release_exact_total(plan, raw, of_many(raw), answered, absent, ONS)


def noisy_gate(plan: QueryPlan, answered: tuple[str, ...], absent: Mapping[str, str]) -> object:
    terms = NoiseTerms("1", max(1, len(answered)), 0, 0)
    return release_noisy_total(plan, [100] * plan.cells * len(plan.statistics), terms, answered, absent, ONS)


GATES: Mapping[Path, Gate] = {"exact_sum": exact_gate, "noisy_sum": noisy_gate}

ROSTERS = [
    ((), {}, "must name the authorities"),
    ((), {"302": "late"}, "must name the authorities"),
    (("202", "202"), {}, "each once"),
    (("202",), {"202": "late"}, "both answered and absent: 202"),
    (("999",), {}, "not an authority of the catalogue: '999'"),
    (("202",), {"England": "late"}, "not an authority of the catalogue"),
    (("202",), {"302": ""}, "302: the reason for absence"),
    (("202",), {"302": "late\n303: refused"}, "302: the reason for absence"),
]


@pytest.mark.parametrize("path", GATES)
@pytest.mark.parametrize(("answered", "absent", "what"), ROSTERS)
def test_a_roster_that_is_not_one_does_not_pass(
    path: Path, answered: tuple[str, ...], absent: dict[str, str], what: str
) -> None:
    with pytest.raises(ReleaseRefused, match=what):
        GATES[path](plan_of(COUNT, path), answered, absent)


@pytest.mark.parametrize("path", GATES)
def test_a_sum_passes_by_the_gate_of_its_path_alone(path: Path) -> None:
    """An exact sum is never released as if it had noise in it, and neither through the gate of tables."""
    others = ("noisy_sum", "exact_sum", "per_authority")
    for other in others:
        plan = plan_of(COUNT, other)  # type: ignore[arg-type]
        if other != path:
            with pytest.raises(ReleaseRefused, match=f"the plan is for {other}"):
                GATES[path](plan, ANSWERED, {})
        if other != "per_authority":
            with pytest.raises(ReleaseRefused, match="answered by a total"):
                release_tables({}, {"202": "late"}, plan, ONS)


def test_the_sum_must_be_of_the_plan() -> None:
    plan, other = (plan_of(sql, "exact_sum") for sql in (COUNT, COUNT.replace("COUNT(*)", "COUNT(DISTINCT child)")))
    raw = RawTable(other, {each.name: [100] for each in other.statistics})
    with pytest.raises(ReleaseRefused, match="answers another plan"):
        release_exact_total(plan, raw, of_many(raw), ANSWERED, {}, ONS)
    noisy = plan_of(COUNT, "noisy_sum")
    for values in ([], [1, 2], [MODULUS]):
        with pytest.raises(ReleaseRefused, match="figures"):
            release_noisy_total(noisy, values, NoiseTerms("1", 3, 0, 0), ANSWERED, {}, ONS)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(data=st.data(), epsilon=st.sampled_from(["0.1", "1", "3"]))
def test_whatever_is_noised_is_released_and_read_again(data: st.DataObject, epsilon: str) -> None:
    """Every kind of figure, of any sums at all: a number or u, within what it can be, and the same in the document."""
    both = "(sdq_score, months_in_care)"
    sql = f"""SELECT sex, COUNT(*) AS n, {SHARE}, AVG(sdq_score) AS mean, STDDEV(sdq_score) AS s, VAR_POP(uasc) AS v,
        CORR{both} AS r, REGR_R2{both} AS r2, REGR_SLOPE{both} AS b, COVAR_SAMP{both} AS c, MEDIAN(sdq_score) AS median,
        SUM(suspensions) AS total FROM child_year WHERE sex IN ('M', 'F') GROUP BY sex"""
    plan = plan_of(sql, "noisy_sum")
    sums = st.one_of(st.integers(-50, 50), st.integers(-(2**20), 2**20), st.integers(-(2**62), 2**62))
    size = plan.cells * len(plan.statistics)
    values = data.draw(st.lists(sums, min_size=size, max_size=size))
    terms = NoiseTerms(epsilon, 5, 2, 1)
    total = release_noisy_total(plan, [each % MODULUS for each in values], terms, ANSWERED, ABSENT, ONS)
    for row in total.rows:
        named = dict(zip(total.columns, row, strict=True))
        for label, (low, high) in {"share": (0, 1), "mean": (0, 40), "s": (0, 40), "r": (-1, 1), "r2": (0, 1)}.items():
            entry = named[label]
            assert entry is Symbol.UNRELIABLE or low <= entry <= high  # type: ignore[operator]
        assert isinstance(named["n"], int)
        assert set(named.values()) & set(Symbol) <= {Symbol.UNRELIABLE}
    if all(abs(each) < 2**30 for each in values):
        assert read_released(json.loads(json.dumps(total.to_json()))) == total


VIEWED = "SELECT sen_provision, COUNT(*) AS n FROM child_year GROUP BY sen_provision"


def test_having_order_and_limit_choose_among_the_rows_of_a_total() -> None:
    """As they do among those of authorities; negative counts come last."""
    sums = {"rows": [40, -3, 900, 12]}
    view = f"{VIEWED} HAVING n < 100 ORDER BY n DESC LIMIT 2"
    shown = show_table(noisy_total(VIEWED, sums), view)
    assert [row[1] for row in shown.rows] == [40, 12]
    assert shown.chosen.startswith("2 of 4 rows, as the query's HAVING, ORDER BY and LIMIT choose")
    assert shown.to_text().splitlines()[0].split() == ["sen_provision", "n"]
    assert "302: no answer came in time (late)" in shown.to_text()
    lines = show_table(noisy_total(VIEWED, sums), view, whole=True).to_csv(margins=True).splitlines()
    assert lines[0] == "sen_provision,n,n_low,n_high"
    assert len(lines) == 5


def test_an_exact_total_is_shown_with_its_margins(make_raw: MakeRaw) -> None:
    shown = show_table(exact_total(BY_SEX, CELLS, "ons_10_5", make_raw), BY_SEX)
    assert " ".join(shown.to_text().splitlines()[1].split()) == "M 1205 (1135 to 1278) 0.249 (0.223 to 0.277)"
