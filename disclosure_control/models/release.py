"""The release gate of models: from sums or patterns, with the counts they rest on, to the estimates that may be shown.

The counts are checked before anything is fitted, so that why a model cannot be fitted is told only of models that may
be shown. Estimates are cut where their standard errors end: with all its digits, an average over a level is a fraction
whose denominator is a count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field, replace
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Any, Never, SupportsIndex, final

from disclosure_control.layout import write_csv, write_text
from disclosure_control.margins.intervals import cut_to_figures, cut_to_place, interval
from disclosure_control.models.withholding import check_complete, check_model_counts, check_patterns, check_residual_df
from disclosure_control.noise.terms import NoiseTerms
from disclosure_control.presets.shipped import Preset
from disclosure_control.release.absences import list_absences
from disclosure_control.rows.rounding import round_to_base
from query_engine.models.counts import ChildCount, PatternCount
from query_engine.models.design import Product
from query_engine.models.estimates import FIGURES, Estimate
from query_engine.models.formula import Family, ModelFormula
from query_engine.models.generalised import GeneralisedFit, fit_logistic, fit_poisson
from query_engine.models.linear import LinearFit, fit_linear
from query_engine.models.patterns import Pattern

ASSOCIATION = (
    "Association is not effect: an estimate says what goes together in these records, with the other terms held equal, "
    "and not what would happen if anything were changed."
)
ROWS = (
    "Rows with a missing value in the outcome or a term are left out. Standard errors take rows to be independent. "
    "Intervals are of 95 %, computed from the figures printed here and rounded outward."
)
SCALES: Mapping[Family, str] = {
    "linear": "Estimates are in units of the outcome, for one unit of a term or a level against its column's first.",
    "logistic": "Estimates are log odds, for one unit of a term or a level against its column's first.",
    "poisson": (
        "Estimates are logarithms of rates per row, for one unit of a term or a level against its column's first. "
        "The deviance is of patterns, and standard errors are too small where counts vary more than Poisson's."
    ),
}
SHARES = ("r_squared", "adjusted_r_squared")
RESIDUAL_ERROR = "residual_standard_error"
"""What is said of a linear model's fit: two shares of the variance, and an error in units of the outcome."""

_SEAL = object()


@dataclass(frozen=True, slots=True)
class ReleasedTerm:
    """One line of a model: an estimate, cut where its standard error ends, and its 95% interval."""

    term: str
    estimate: Decimal
    standard_error: Decimal
    low: Decimal
    high: Decimal


@final
@dataclass(frozen=True)
class ReleasedModel:
    """A fitted model that anybody may see. Made here, in `noised` and by `read_model` alone.

    `rows` are rounded as the preset rounds counts. `quality` has what is said of the fit as a whole. `answered` are the
    authorities whose sums it is fitted from, and `absent` gives the reason for each other one that was asked. `noise`
    has the terms of the noise in the sums, if there is any; `terms` are empty where it leaves nothing to go by.
    """

    seal: InitVar[object]
    family: Family
    outcome: str
    preset: str
    preset_version: str
    rows: int
    residual_df: int
    terms: tuple[ReleasedTerm, ...]
    quality: Mapping[str, Decimal]
    notes: tuple[str, ...]
    plan_id: str = ""
    answered: tuple[str, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    noise: NoiseTerms | None = None

    def __post_init__(self, seal: object) -> None:
        """Refuse to exist without the seal of this module."""
        if seal is not _SEAL:
            raise TypeError("a released model is made by release_linear(), release_generalised() or read_model() alone")
        object.__setattr__(self, "quality", MappingProxyType(dict(self.quality)))
        object.__setattr__(self, "absent", MappingProxyType(dict(self.absent)))

    def __reduce_ex__(self, protocol: SupportsIndex) -> Never:
        raise TypeError("a released model travels by to_json() and read_model() alone")

    def to_json(self) -> dict[str, Any]:
        """The model as a JSON object that `read_model` takes back, with figures as numbers."""
        return {
            "plan_id": self.plan_id,
            "family": self.family,
            "outcome": self.outcome,
            "preset": {"name": self.preset, "version": self.preset_version},
            "rows": self.rows,
            "residual_df": self.residual_df,
            "terms": [{"term": each.term, **_as_floats(_figures(each))} for each in self.terms],
            "quality": _as_floats(self.quality),
            "answered": list(self.answered),
            "absent": dict(self.absent),
            "notes": list(self.notes),
            **({} if self.noise is None else {"noise": self.noise.to_json()}),
        }

    def to_text(self) -> str:
        """The model aligned for a terminal, and how to read it."""
        columns = ("term", "estimate", "standard error", "95% low", "95% high")
        quality = [f"{name.replace('_', ' ')} {value:f}" for name, value in self.quality.items()]
        summary = f"{self.family} model of {self.outcome}: rows {self.rows}, residual df {self.residual_df}"
        notes = [", ".join([summary, *quality]), *list_absences(self.absent), *self.notes]
        return write_text(columns, columns[1:], self.lines, notes)

    def to_csv(self) -> str:
        """The terms as CSV, a line each; what is said of the fit as a whole is in the JSON object alone."""
        return write_csv(("term", "estimate", "standard_error", "low", "high"), self.lines)

    @property
    def lines(self) -> list[tuple[str, ...]]:
        """The terms with their figures as they are printed: estimate, standard error and the ends of the interval."""
        return [(each.term, *(f"{value:f}" for value in _figures(each).values())) for each in self.terms]


seal_model = partial(ReleasedModel, _SEAL)
"""Makes a released model of its parts, for a reader who has checked that they agree and for `noised`, whose sums
protect themselves; nobody else may call this."""


def name_roster(
    model: ReleasedModel, plan_id: str, answered: tuple[str, ...], absent: Mapping[str, str], note: str
) -> ReleasedModel:
    """The same model, with the plan and the authorities that it is of."""
    notes = (note, *model.notes)
    return replace(model, seal=_SEAL, plan_id=plan_id, answered=answered, absent=absent, notes=notes)


def release_linear(
    formula: ModelFormula, sums: Mapping[Product, int], counts: Mapping[ChildCount, int], left_out: int, preset: Preset
) -> ReleasedModel:
    """The linear model of these sums. Raises `ModelWithheld`, and `ModelUndetermined` where the counts pass."""
    check_model_counts(formula, counts, left_out, preset)
    fit = fit_linear(formula, sums)
    quality = {name: cut_quality(name, getattr(fit, name), preset) for name in (*SHARES, RESIDUAL_ERROR)}
    return _release("linear", fit, quality, preset)


def cut_quality(name: str, number: float, preset: Preset) -> Decimal:
    """A figure of a linear model's quality as it is printed: a share to so many places, an error to so many figures."""
    if name in SHARES:
        return cut_to_place(number, Decimal(1).scaleb(-figures_shown(preset)))
    return cut_to_figures(number, figures_shown(preset))


def release_generalised(
    formula: ModelFormula,
    patterns: Sequence[Pattern],
    counts: Sequence[PatternCount],
    left_out: int,
    preset: Preset,
) -> ReleasedModel:
    """The logistic or Poisson model of these patterns. Raises as `release_linear` does."""
    counted = (each.values for each in counts if each.children)
    check_complete((each.values for each in patterns if each.rows), counted)
    check_patterns(formula, counts, left_out, preset)
    fit = (fit_logistic if formula.family == "logistic" else fit_poisson)(formula, patterns)
    unit = 1 if preset.rounding_base == 1 else 2 * preset.rounding_base
    quality = {
        "deviance": Decimal(round_to_base(Decimal(fit.deviance), unit)),
        "null_deviance": Decimal(round_to_base(Decimal(fit.null_deviance), unit)),
    }
    return _release(formula.family, fit, quality, preset)


def _release(
    family: Family, fit: LinearFit | GeneralisedFit, quality: Mapping[str, Decimal], preset: Preset
) -> ReleasedModel:
    check_residual_df(fit.residual_df - fit.rows + preset.least_alike(fit.rows), preset)
    rows = round_to_base(fit.rows, preset.rounding_base)
    degrees = rows - len(fit.estimates)
    return ReleasedModel(
        _SEAL,
        family,
        fit.outcome,
        preset.name,
        preset.version,
        rows,
        degrees,
        tuple(_term(each, degrees if family == "linear" else None, preset) for each in fit.estimates),
        quality,
        (SCALES[family], ASSOCIATION, ROWS, _protection(preset)),
    )


def _term(estimate: Estimate, degrees: int | None, preset: Preset) -> ReleasedTerm:
    error = cut_to_figures(estimate.standard_error, figures_shown(preset))
    value = cut_to_place(estimate.value, error)
    return ReleasedTerm(estimate.label, value, error, *interval(value, error, degrees))


def figures_shown(preset: Preset) -> int:
    """Significant figures of a standard error: of three, the number of rows behind it follows to a per cent or less.

    Presets that do not print exact counts let it follow to some per cents alone.
    """
    return FIGURES if preset.rounding_base == 1 else FIGURES - 1


def _protection(preset: Preset) -> str:
    return (
        f"Preset {preset.name}, version {preset.version}: at least {preset.minimum_n_model} children are behind every "
        "count that the estimates could be worked back to. Standard errors tell roughly how many rows those are."
    )


def _figures(term: ReleasedTerm) -> dict[str, Decimal]:
    return {name: getattr(term, name) for name in ("estimate", "standard_error", "low", "high")}


def _as_floats(figures: Mapping[str, Decimal]) -> dict[str, float]:
    return {name: float(value) for name, value in figures.items()}
