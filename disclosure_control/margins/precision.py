"""How sure each figure of a release is: a margin of error of 95%, or the reason why it has none.

A margin is worked out from the released table and from nothing else. One from the true counts would give them back, so
the counts that were rounded are taken at whichever end makes the margin wider, and its ends are rounded outward: two
truths with one release have the same margins. `methods` has the method of each kind of figure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from types import MappingProxyType

from disclosure_control.margins.intervals import cut_to_place
from disclosure_control.margins.methods import SPREADS, WITHHELD, find_ends
from disclosure_control.margins.released_row import MarginMissing, ReleasedRow
from disclosure_control.noise.calibration import half_widths, spreads
from disclosure_control.presets.preset import TOTAL_LEVEL, Preset
from disclosure_control.release.gate import ReleasedTable
from disclosure_control.rows.rounding import decimal_places
from disclosure_control.symbols import Symbol, Value
from query_engine.planning.centred_sums import CentredSum, centre_sums
from query_engine.planning.plan import Output, QueryPlan

__all__ = ["Margin", "Margins", "NoMargin", "explain_margins", "find_margins"]

NOTE = (
    "Margins are of 95%: by so much chance alone may well have moved a figure. They are worked out from the figures "
    "released here and rounded outward, and they take rows to be independent of one another. Conclusions are "
    "tentative: a margin knows nothing of records that are wrong or missing, and of many figures one in twenty lies "
    "outside its margin by chance."
)

NOISY_NOTE = "Of a total with noise they allow for the noise too, so far as it lies 19 times in 20."

_NORMAL_VALUES = "Margins of spreads, correlations and lines take the values to be normally distributed."
_NOTES: Mapping[str, str] = MappingProxyType(
    {
        "quantile": "The margin of a median or another quantile is the bin that it is in.",
        **dict.fromkeys((*SPREADS, "correlation", "regr_r2", "regr_slope", "regr_intercept"), _NORMAL_VALUES),
    }
)
_NOISY_NOTES: Mapping[str, str] = MappingProxyType(
    {**_NOTES, "quantile": "The margin of a median or another quantile is all bins that it may well be in."}
)


@dataclass(frozen=True, slots=True)
class Margin:
    """The two ends between which a figure may well lie; the released figure is always among what they hold."""

    low: int | Decimal
    high: int | Decimal


@dataclass(frozen=True, slots=True)
class NoMargin:
    """Why a figure has no margin, as a sentence that says what to ask for if anything can be done."""

    reason: str


Margins = Mapping[str, Margin | NoMargin]
"""The margins of one row, by the labels of its figures."""


def find_margins(
    table: ReleasedTable, plan: QueryPlan, preset: Preset, places: Iterable[int] | None = None
) -> tuple[Margins, ...]:
    """The margins of the rows at these places of a release, or of every row.

    Raises `ValueError` where the plan or the preset is not that of the table.
    """
    if (table.plan_id, table.preset, table.preset_version) != (plan.plan_id, preset.name, preset.version):
        raise ValueError("margins are worked out with the plan and the preset of the release")
    preset = preset.at(TOTAL_LEVEL) if table.path == "exact_sum" else preset
    wanted = range(len(table.rows)) if places is None else places
    noise, centred = _noise(table, plan), centre_sums(plan) if table.noise is not None else {}
    numbers = [number for number, each in enumerate(plan.sets) for _ in range(plan.cells_of(each))]
    return tuple(
        _row_margins(_read_row(place, table, plan, preset, noise[numbers[place]] if noise else None, centred))
        for place in wanted
    )


def explain_margins(margins: Sequence[Margins], plan: QueryPlan) -> tuple[str, ...]:
    """What a reader must know of a release's margins: what they are, and why some figures have none."""
    outputs = [each for each in plan.outputs if each.kind != "dimension"]
    having = [each for each in outputs if any(isinstance(row[each.label], Margin) for row in margins)]
    first, told = ([NOTE, NOISY_NOTE], _NOISY_NOTES) if plan.path == "noisy_sum" else ([NOTE], _NOTES)
    notes = [*first, *dict.fromkeys(told[each.kind] for each in having if each.kind in told)] if having else []
    for each in outputs:
        reasons = {found.reason for row in margins if isinstance(found := row[each.label], NoMargin)} - {WITHHELD}
        if reasons and each not in having:
            notes.append(f"{each.label} has no margin: {'; '.join(sorted(reasons))}.")
    return tuple(notes)


_NoiseInSet = tuple[Mapping[str, int], Mapping[str, float]]
"""How far the noise in each statistic of a grouping set may well lie from 0, and its standard deviation."""


def _noise(table: ReleasedTable, plan: QueryPlan) -> Sequence[_NoiseInSet]:
    """The noise, grouping set by grouping set; nothing without noise."""
    if table.noise is None:
        return ()
    terms, answered = table.noise, len(table.answered)
    return list(zip(half_widths(plan, terms, answered), spreads(plan, terms, answered), strict=True))


def _read_row(
    place: int,
    table: ReleasedTable,
    plan: QueryPlan,
    preset: Preset,
    noise: _NoiseInSet | None,
    centred: Mapping[str, CentredSum],
) -> ReleasedRow:
    """A row of a release as margins are worked out from it."""
    released = dict(zip(table.columns, table.rows[place], strict=True))
    figures: dict[str, Value] = {label: released[label] for label in table.decimals}  # type: ignore[misc]
    if noise is None:
        return ReleasedRow(figures, plan, preset)
    sums = {name: column[place] for name, column in table.sums.items()}
    return ReleasedRow(figures, plan, preset, *noise, sums, centred)


def _row_margins(row: ReleasedRow) -> Margins:
    return {each.label: _margin(each, row) for each in row.plan.outputs if each.label in row.figures}


def _margin(output: Output, row: ReleasedRow) -> Margin | NoMargin:
    value = row.figures[output.label]
    if isinstance(value, Symbol):
        return NoMargin(WITHHELD)
    try:
        low, high = find_ends(output, row)
    except MarginMissing as missing:
        return NoMargin(str(missing))
    place = Decimal(1).scaleb(-decimal_places(output, row.preset))
    ends = (
        min(Decimal(value), cut_to_place(low, place, ROUND_FLOOR)),
        max(Decimal(value), cut_to_place(high, place, ROUND_CEILING)),
    )
    return Margin(*map(int, ends)) if isinstance(value, int) else Margin(*ends)
