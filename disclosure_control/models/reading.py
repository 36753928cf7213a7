"""The released model in a document, for a client who has neither plan nor sums; and whatever release a document has."""

from decimal import Decimal, localcontext
from typing import cast, get_args

from disclosure_control.models.release import (
    RESIDUAL_ERROR,
    SHARES,
    ReleasedModel,
    ReleasedTerm,
    cut_quality,
    seal_model,
)
from disclosure_control.noise.terms import NoiseRefused, NoiseTerms, read_terms
from disclosure_control.presets.shipped import list_presets, load_preset
from disclosure_control.release.reading import ReleaseMalformed, read_answered, read_preset, read_released, read_texts
from disclosure_control.release.released import ReleasedTable
from query_engine.models.formula import MOST_COLUMNS, Family

__all__ = ["read_model", "read_release"]

DOCUMENT_KEYS = frozenset({"plan_id", "family", "outcome", "preset", "rows", "residual_df", "terms", "quality"})
DOCUMENT_KEYS |= {"answered", "absent", "notes"}

FIGURES = ("estimate", "standard_error", "low", "high")

MOST_PLACES = 30
"""Decimal places of a figure, and figures before them: beyond these no model is worth printing."""

PRECISION = 2 * MOST_PLACES + 1


def read_release(document: object) -> ReleasedTable | ReleasedModel:
    """The released table or model in a JSON value. Raises `ReleaseMalformed`."""
    return read_model(document) if isinstance(document, dict) and "family" in document else read_released(document)


def read_model(document: object) -> ReleasedModel:
    """The released model in a JSON value. Raises `ReleaseMalformed`.

    Checks the form, and that what is said of the same thing agrees. Whether the model is the one that the hub released
    is for the signatures around it to show.
    """
    if not isinstance(document, dict) or document.keys() - {"noise"} != DOCUMENT_KEYS:
        raise ReleaseMalformed(f"a released model is an object with the keys {', '.join(sorted(DOCUMENT_KEYS))}")
    texts = read_texts("document", {key: document[key] for key in ("plan_id", "family", "outcome")})
    preset, absent = read_preset(document["preset"]), read_texts("absent", document["absent"])
    noise = _read_noise(document["noise"]) if "noise" in document else None
    return seal_model(
        family=_read_family(texts["family"]),
        outcome=texts["outcome"],
        preset=preset["name"],
        preset_version=preset["version"],
        rows=_read_count("rows", document["rows"]),
        residual_df=_read_count("residual_df", document["residual_df"]),
        terms=_read_terms(document["terms"], fewest=1 if noise is None else 0),
        quality=_read_quality(document["quality"], preset["name"]),
        notes=_read_notes(document["notes"]),
        plan_id=texts["plan_id"],
        answered=read_answered(document["answered"], absent),
        absent=absent,
        noise=noise,
    )


def _read_noise(entry: object) -> NoiseTerms:
    try:
        return read_terms(entry)
    except NoiseRefused as refused:
        raise ReleaseMalformed(f"noise: {refused}") from None


def _read_family(text: str) -> Family:
    if text not in get_args(Family):
        raise ReleaseMalformed(f"family: must be one of {', '.join(get_args(Family))}")
    return cast("Family", text)


def _read_count(where: str, entry: object) -> int:
    if type(entry) is not int or entry < 0:
        raise ReleaseMalformed(f"{where}: not a whole number from 0 on")
    return entry


def _read_notes(entries: object) -> tuple[str, ...]:
    if not isinstance(entries, list) or not all(isinstance(each, str) for each in entries):
        raise ReleaseMalformed("notes: not a list of texts")
    return tuple(entries)


def _read_quality(entries: object, preset: str) -> dict[str, Decimal]:
    if not isinstance(entries, dict) or not all(isinstance(name, str) for name in entries):
        raise ReleaseMalformed("quality: not an object")
    figures = {name: _read_figure(f"quality, {name}", figure) for name, figure in entries.items()}
    return {name: _put_zeros_back(name, figure, preset) for name, figure in figures.items()}


def _put_zeros_back(name: str, figure: Decimal, preset: str) -> Decimal:
    """A figure of a linear model's quality with the places that its preset prints, where that is one of ours."""
    if name not in (*SHARES, RESIDUAL_ERROR) or preset not in list_presets():
        return figure
    printed = cut_quality(name, float(figure), load_preset(preset))
    if printed != figure:
        raise ReleaseMalformed(f"quality, {name}: more figures than {preset} prints")
    return printed


def _read_terms(entries: object, fewest: int) -> tuple[ReleasedTerm, ...]:
    """The lines; only noise can leave none."""
    if not isinstance(entries, list) or not fewest <= len(entries) <= MOST_COLUMNS:
        raise ReleaseMalformed(f"terms: not a list of {fewest} to {MOST_COLUMNS}")
    terms = tuple(_read_term(f"term {number}", entry) for number, entry in enumerate(entries, start=1))
    if len({each.term for each in terms}) != len(terms):
        raise ReleaseMalformed("terms: one given twice")
    return terms


def _read_term(where: str, entry: object) -> ReleasedTerm:
    """One line, whose figures all end at one place: the zeros at their ends, which JSON drops, are put back."""
    if not isinstance(entry, dict) or entry.keys() != {"term", *FIGURES} or not isinstance(entry["term"], str):
        raise ReleaseMalformed(f"{where}: not an object with a term and {', '.join(FIGURES)}")
    figures = [_read_figure(f"{where}, {name}", entry[name]) for name in FIGURES]
    place = min(figures, key=_last_place)
    with localcontext(prec=PRECISION):
        estimate, error, low, high = (figure.quantize(place) for figure in figures)
    if error < 0 or not low <= estimate <= high:
        raise ReleaseMalformed(f"{where}: the estimate is outside its interval, or its standard error below 0")
    return ReleasedTerm(entry["term"], estimate, error, low, high)


def _last_place(figure: Decimal) -> int:
    return cast("int", figure.as_tuple().exponent)


def _read_figure(where: str, entry: object) -> Decimal:
    """A number as it is written, a whole one without decimal places."""
    if type(entry) is float and abs(entry) < 10**MOST_PLACES:
        number = Decimal(repr(entry))
        if number == number.to_integral_value():
            return Decimal(int(number))
        if _last_place(number) >= -MOST_PLACES:
            return number
    raise ReleaseMalformed(f"{where}: not a number with {MOST_PLACES} decimal places at most")
