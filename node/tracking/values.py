"""The kinds of value that a tracking record holds, and how each is written: one way in forms, files and the database.

A `Reading` turns a text into a value and back. It never repeats what it was given: a text that is no value of its kind
raises `ValueUnreadable` with what would have been one.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from federation.state import StateError
from federation.typed_days import DAY_FORMS, read_day
from node.terms import parse_term
from node.tracking.grades import load_grades

LONGEST_LINE = 500

# Controls, line and direction marks: what could make a text show as something that it is not.
_DISGUISE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_POUNDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,2})?", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)
_URN = re.compile(r"[1-9][0-9]{5}", re.ASCII)
_HALVES = re.compile(r"[0-9]{1,3}(\.[05])?", re.ASCII)


class ValueUnreadable(Exception):
    """A text is no value of its kind; the message says what one looks like and never what was sent."""


@dataclass(frozen=True)
class Reading:
    """How values of one kind are read and written. `options` are all there are, with their names, for a closed kind."""

    name: str
    form: str
    read: Callable[[str], Any]
    write: Callable[[Any], str] = str
    options: tuple[tuple[str, str], ...] = ()

    @property
    def asked(self) -> str:
        """How somebody who gave no value is asked for one."""
        return "choose one" if self.options else f"give {self.form}"


def _read_date(text: str) -> date:
    try:
        told = read_day(text)
    except ValueError as unreadable:
        raise ValueUnreadable(str(unreadable)) from None
    if not 2001 <= told.year <= 2098:
        raise ValueUnreadable("write a day of the years 2001 to 2098")
    return told


def _read_term(text: str) -> str:
    try:
        return str(parse_term(text))
    except StateError:
        raise ValueUnreadable("write the academic year and the term, such as 202425-summer") from None


def _read_year(text: str) -> int:
    return int(_read_term(f"{text}-autumn").partition("-")[0])


def _read_line(text: str) -> str:
    if len(text) > LONGEST_LINE or _DISGUISE.search(text):
        raise ValueUnreadable(f"write one line of {LONGEST_LINE} characters at most")
    if text[0] in "=+-@":  # Spreadsheet programs would take it for a sum, and run it.
        raise ValueUnreadable("begin with a letter or a figure")
    return text


def _matching(pattern: re.Pattern[str], form: str, make: Callable[[str], Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        if not pattern.fullmatch(text):
            raise ValueUnreadable(form)
        return make(text)

    return read


def one_of(name: str, options: tuple[tuple[str, str], ...]) -> Reading:
    """The reading of a closed kind: one of some words."""
    words = frozenset(word for word, _ in options)
    form = f"write one of: {', '.join(word for word, _ in options)}"

    def read(text: str) -> str:
        if text not in words:
            raise ValueUnreadable(form)
        return text

    return Reading(name, form, read, options=options)


def words(name: str, *listed: str) -> Reading:
    """The same, of words whose names are the words themselves."""
    return one_of(name, tuple((word, word.replace("_", " ")) for word in listed))


def _read_yes_no(text: str) -> bool:
    told = {"yes": True, "true": True, "no": False, "false": False}.get(text.lower())
    if told is None:
        raise ValueUnreadable("write yes or no")
    return told


DAY = Reading("day", f"a day, as {DAY_FORMS}", _read_date, date.isoformat)
TERM = Reading("term", "an academic year and a term, as 202425-summer", _read_term)
YEAR = Reading("academic year", "an academic year, as 202425", _read_year)
YES_NO = Reading(
    "yes or no", "yes or no", _read_yes_no, lambda told: "yes" if told else "no", (("yes", "yes"), ("no", "no"))
)
GRADE = one_of("grade", tuple((each.code, f"{each.code}: {each.meaning}") for each in load_grades().values()))
LINE = Reading("text", f"one line of {LONGEST_LINE} characters at most", _read_line)
WHOLE = Reading("whole number", "a whole number", _matching(_WHOLE, "write a whole number", int))
DAYS = Reading("days", "days, with .5 for half a day", _matching(_HALVES, "write days, as 3 or 2.5", Decimal))
POUNDS = Reading("pounds", "pounds, as 250 or 250.00", _matching(_POUNDS, "write pounds, as 250 or 250.00", Decimal))
SCHOOL = Reading(
    "school",
    "a school's URN of six figures",
    _matching(re.compile(r"[1-9][0-9]{5}", re.ASCII), "write a URN of six figures", int),
)


def tell(reading: Reading, value: Any) -> str:
    """A value as people read it: terms and days in words, a grade by its code, and no underscores."""
    if reading is TERM:
        return tell_term(value)
    if reading is DAY:
        return f"{value.day} {value:%b %Y}"
    if reading is YEAR:
        return tell_year(value)
    return reading.write(value).replace("_", " ") if reading.options else reading.write(value)


def tell_term(term: str) -> str:
    """A term, as summer 2024/25."""
    year, _, name = term.partition("-")
    return f"{name} {tell_year(int(year))}"


def tell_year(academic_year: int) -> str:
    """An academic year, as 2024/25."""
    return f"{academic_year // 100}/{academic_year % 100:02}"


def tell_subject(subject: str) -> str:
    """A subject, or what support is for, in a sentence."""
    return {"english": "English"}.get(subject, subject.replace("_", " "))
