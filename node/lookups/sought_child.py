"""Whom a form or a file describes: one child, sought by one of three ways; what is wrong is told at its field."""

from collections.abc import Mapping

import msgspec

from federation.lookups import ChildSought
from federation.state import StateError
from federation.typed_days import read_day

WAYS = "give a pupil number, the authority's own number, or forename, surname and date of birth"
NAME_FIELDS = ("forename", "surname", "date_of_birth")


class SoughtUnclear(StateError):
    """What somebody typed describes no child; `errors` says what is wrong, by field, and repeats nothing of it."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(dict.fromkeys(errors.values())))
        self.errors = errors


def read_sought(fields: Mapping[str, str]) -> ChildSought:
    """Return whom a form or a file describes. Raises `SoughtUnclear`."""
    given = {name: value.strip() for name, value in fields.items() if value.strip()}
    if "upn" in given:
        given["upn"] = given["upn"].replace(" ", "").upper()
    if "date_of_birth" in given:
        given["date_of_birth"] = _read_birth(given["date_of_birth"])
    _check_ways(given)
    try:
        return msgspec.convert(given, ChildSought, strict=False)
    except msgspec.ValidationError:
        raise SoughtUnclear(_find_unreadable(given)) from None


def _read_birth(typed: str) -> str:
    try:
        return read_day(typed).isoformat()
    except ValueError as unreadable:
        raise SoughtUnclear({"date_of_birth": str(unreadable)}) from None


def _check_ways(given: Mapping[str, str]) -> None:
    """Raise `SoughtUnclear` unless a child is described by one way, wholly."""
    if set(given) - set(ChildSought.__struct_fields__):
        raise SoughtUnclear({"upn": WAYS})
    numbers = [name for name in ("upn", "la_child_id") if name in given]
    names = [name for name in ("forename", "surname") if name in given]
    if len(numbers) == 2:
        raise SoughtUnclear({"la_child_id": "give one of the two numbers and leave the other empty"})
    if numbers and names:
        raise SoughtUnclear({names[0]: "leave the name empty where you give a number"})
    if numbers and "loosely" in given:
        raise SoughtUnclear({"loosely": "a number is found exactly as typed: choose that, or seek by name"})
    if names or ("date_of_birth" in given and not numbers):
        missing = [name for name in NAME_FIELDS if name not in given]
        if missing:
            raise SoughtUnclear(dict.fromkeys(missing, "give forename, surname and date of birth together"))
    if not numbers and not names:
        raise SoughtUnclear({"upn": WAYS})


def _find_unreadable(given: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with a whole description: a pupil number that is none, or something that no number or name is."""
    if "upn" in given:
        return {"upn": "a pupil number is a letter, eleven figures, and a figure or letter: 13 characters"}
    return {name: "write up to 100 letters and figures" for name in given if name != "date_of_birth"} or {"upn": WAYS}
