"""One child's tracking record: its page, the page in plain language, and the forms that change it.

A form names the version of the record that its maker saw. Where the record has moved on since, nothing is changed: the
page shows what others did meanwhile beside what was about to be set down, and asks for a decision.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Any

from flask import Blueprint, render_template, request

from federation.problems import ProblemRaised
from node.lookups.purpose import PurposeMissing
from node.pages.staff import may_export
from node.pages.tracking_forms import child_meant, reference_to, visit_stated
from node.terms import term_of
from node.tracking.changing import ReasonMissing, change_record
from node.tracking.children import read_years
from node.tracking.facts import Fact, FactInvalid, Withdrawal
from node.tracking.kinds import KINDS, Kind, key_of, read_fact, write_fact
from node.tracking.known import KnownChild
from node.tracking.plain import tell_plainly
from node.tracking.record import RecordMoved
from node.tracking.summary import summarise, tell_entry
from node.tracking.values import TERM, YEAR, ValueUnreadable, tell
from node.tracking.visit import Visit
from policies.access_policy import AccessDenied

tracked_child = Blueprint("tracked_child", __name__)

YEARS_BEFORE, YEARS_AFTER = 3, 2
"""Academic years that a form offers beside this one."""

NOT_CHANGED = "your role may read this and not change it: nothing was changed, and the attempt is in the log"


def _about(show: Callable[[Visit, KnownChild], tuple[str, int] | str]) -> tuple[str, int] | str:
    """Answer a form about one child. Raises problems."""
    try:
        visit = visit_stated()
    except PurposeMissing as missing:
        raise ProblemRaised(400, "purpose_missing", str(missing)) from None
    return show(visit, child_meant(visit))


def _render(template: str, visit: Visit, child: KnownChild, **told: Any) -> str:
    return render_template(f"tracking/{template}.html", visit=visit, child=child, reference=reference_to(child), **told)


@tracked_child.post("/tracking/child")
def show_child() -> tuple[str, int] | str:
    """Show a child's record on one page, which prints well."""
    return _about(_show_child)


def _show_child(visit: Visit, child: KnownChild, done: str = "") -> str:
    visit.sign_for([child], page="child")
    years = read_years(visit.snapshot, child)
    summary = summarise(visit.record_of(child), child, years, visit.watch)
    told = {"done": done, "today": visit.watch.today, "may_hand_over": may_export(visit.person)}
    return _render("child", visit, child, years=years, summary=summary, **told)


@tracked_child.post("/tracking/plain")
def show_plainly() -> tuple[str, int] | str:
    """Show the record in plain language, for the young person and their carer."""

    def show(visit: Visit, child: KnownChild) -> str:
        visit.sign_for([child], page="plain")
        parts = tell_plainly(visit.record_of(child), child, visit.watch.today)
        return _render("plain", visit, child, parts_told=parts, today=visit.watch.today)

    return _about(show)


@tracked_child.post("/tracking/form")
def show_form() -> tuple[str, int] | str:
    """Show the form in which a fact is set down, filled in with the one that is to be changed."""

    def show(visit: Visit, child: KnownChild) -> str:
        kind, record = _kind_meant(), visit.record_of(child)
        _check_writable(child, kind)
        entry = record.standing.get((kind.name, request.form.get("key", "")))
        written = write_fact(entry.fact) if entry else {}
        return _form(visit, child, kind, record.version, written)

    return _about(show)


def _form(visit: Visit, child: KnownChild, kind: Kind, version: int, written: dict[str, str], **told: Any) -> str:
    visit.sign_for([child], page="form")
    shown = {"errors": {}, "reason": "", "since": (), "key": request.form.get("key", ""), **told}
    periods = list_periods(visit.watch.today, written)
    return _render("form", visit, child, kind=kind, version=version, written=written, periods=periods, **shown)


@tracked_child.post("/tracking/update")
def update() -> tuple[str, int] | str:
    """Set a fact down, or take one back, upon the version of the record that the form was made from."""
    return _about(_update)


def _update(visit: Visit, child: KnownChild) -> tuple[str, int] | str:
    kind, reason = _kind_meant(), request.form.get("reason", "")
    written = {field.name: request.form.get(field.name, "") for field in kind.fields}
    version = _version_meant()
    try:
        facts = list(_facts_meant(kind, written))
        change_record(visit, child, version, facts, reason)
    except FactInvalid as invalid:
        # What is wrong with taking something back is no field's, and is said above all.
        errors = {name if name in written else "main": text for name, text in invalid.errors.items()}
        return _form(visit, child, kind, version, written, errors=errors, reason=reason), 400
    except ReasonMissing as missing:
        return _form(visit, child, kind, version, written, errors={"reason": str(missing)}, reason=reason), 400
    except RecordMoved as moved:
        since = [tell_entry(entry) for entry in moved.since]
        return _form(visit, child, kind, moved.record.version, written, since=since, reason=reason), 409
    except AccessDenied:
        raise ProblemRaised(403, "not_permitted", NOT_CHANGED) from None
    return _show_child(visit, child, f"{kind.title}: {_tell_done(facts)}")


def list_periods(today: date, written: Mapping[str, str]) -> dict[str, list[tuple[str, str]]]:
    """What a form offers for a term or a year, the newest first: the next years and those before, and what it was."""
    first = term_of(today).academic_year // 100
    years = {f"{year}{(year + 1) % 100:02d}" for year in range(first - YEARS_BEFORE, first + YEARS_AFTER + 1)}
    terms = {f"{year}-{name}" for year in years for name in ("autumn", "spring", "summer")}
    offered = {}
    for reading, periods in ((TERM, terms), (YEAR, years)):
        for text in written.values():
            with suppress(ValueUnreadable):
                periods.add(reading.write(reading.read(text)))
        offered[reading.name] = [(each, tell(reading, reading.read(each))) for each in sorted(periods, reverse=True)]
    return offered


def _tell_done(facts: Sequence[Fact]) -> str:
    if isinstance(facts[-1], Withdrawal):
        return "taken back"
    return "set down" if len(facts) == 1 else "changed"


def _kind_meant() -> Kind:
    try:
        return KINDS[request.form.get("kind", "")]
    except KeyError:
        raise ProblemRaised(400, "malformed", "choose what is to be set down, on the child's page") from None


def _version_meant() -> int:
    text = request.form.get("version", "")
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ProblemRaised(400, "malformed", "the form is damaged: go back to the child's page and begin again")
    return int(text)


def _facts_meant(kind: Kind, written: dict[str, str]) -> Iterator[Fact]:
    """What a form sets down or takes back. A fact that is about something else now takes the place of its old self."""
    key = request.form.get("key", "")
    if "withdraw" in request.form:
        yield Withdrawal(kind=kind.name, key=key)
        return
    fact = read_fact(kind, written)
    if key and key_of(fact) != (kind.name, key):
        yield Withdrawal(kind=kind.name, key=key)
    yield fact


def _check_writable(child: KnownChild, kind: Kind) -> None:
    if kind.group not in child.writable:
        raise ProblemRaised(403, "not_permitted", NOT_CHANGED)
