"""How a node's pages say in words what programs carry: authorities, and values of a record."""

from collections.abc import Callable, Mapping
from datetime import date

from federation.told_days import tell_day
from query_engine.geography import name_authority
from query_engine.wording.spelling import spell

NO_NUMBER = frozenset({"UN1", "UN2", "UN3", "UN4", "UN5"})
"""What a return has in the place of a pupil number where a child has none, by the reason."""


def begin_with_capital(words: str) -> str:
    """Words as a heading begins, and no letter beside the first changed."""
    return words[:1].upper() + words[1:]


def tell_value(value: object, label: str) -> str:
    """A value as people read it, under a label of a page."""
    if value in ("True", "False") or isinstance(value, bool):
        return "yes" if value in (True, "True") else "no"
    if isinstance(value, date):
        return tell_day(value)
    return _TELLERS.get(label, spell)(str(value))


def _tell_rate(text: str) -> str:
    try:
        return f"{100 * float(text):.1f}%"
    except ValueError:
        return text  # Another node may have written anything.


def _tell_year_group(text: str) -> str:
    return {"0": "Reception", "-1": "Nursery", "-2": "Nursery"}.get(text, text)


def _tell_pupil_number(text: str) -> str:
    return f"none ({text})" if text in NO_NUMBER else text


_TELLERS: Mapping[str, Callable[[str], str]] = {
    "Attendance rate": _tell_rate,
    "Year group": _tell_year_group,
    "UPN": _tell_pupil_number,
    **dict.fromkeys(("Date of birth", "Born", "Care start", "In care since", "Told by host", "Since"), tell_day),
    **dict.fromkeys(("Home", "Host authority", "Authority of the school"), name_authority),
}
"""What is told otherwise than it is written, by the label that stands over it."""
