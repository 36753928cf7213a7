"""A log is searched by all that its entries say, page by page, and a page finds what reading every entry would find."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

import audit.search
from audit.event import Action, AuditEvent, Outcome
from audit.holds import is_by
from audit.log import LogUnreadable
from audit.search import Search, find_entries, find_page
from tests.audit.conftest import START, SUBJECT

if TYPE_CHECKING:
    from tests.audit.conftest import Party

MakeEvent = Callable[..., AuditEvent]

OTHER = "0dd0" * 8
ACTORS = ("vsh (virtual_school_head)", "vsh (social_worker)", "vsh", "vshead (virtual_school_head)", "ig (ig_officer)")
CHOICES: dict[str, tuple[Any, ...]] = {
    "actor": ("", "vsh", "ig", "vs", "vsh (social_worker)", "nobody"),
    "action": (None, Action.LOOKUP_ASKED, Action.SIGNIN, Action.MEMBER_REVOKED),
    "outcome": (None, None, Outcome.REFUSED, Outcome.DONE),
    "acting_for": ("", "", "301", "302"),
    "purpose": ("", "", "PLAN", "50%", "_", "!", "o'clock"),
    "reference": ("", "", "L-1", "L-2", "L-9"),
    "policy_version": ("", "", "v1", "v2"),
    "subjects": ((), (), (SUBJECT,), (SUBJECT, OTHER), ("f" * 32,)),
    "since": (None, None, START + timedelta(minutes=20), START + timedelta(days=9)),
    "until": (None, None, START + timedelta(minutes=60), START),
}


@pytest.fixture
def varied(party: Party, make_event: MakeEvent) -> Party:
    """Eighty entries of every sort, and one whose clock stood an hour behind."""
    random = Random(5)
    events = [
        make_event(
            n if n != 50 else 3,
            actor=random.choice(ACTORS),
            action=random.choice((Action.LOOKUP_ASKED, Action.SIGNIN, Action.LOOKUP_RECEIVED)),
            outcome=random.choice((Outcome.DONE, Outcome.REFUSED)),
            acting_for=random.choice(("", "301", "302")),
            purpose=random.choice(("", "Reviewing the plan", "50% at 9 o'clock", "5 of 10", "now_or_never!")),
            subject=random.choice(("", SUBJECT, OTHER)),
            reference=random.choice(("", "L-1", "L-2")),
            policy_version=random.choice(("", "v1", "v2")),
        )
        for n in range(80)
    ]
    party.record(*events)
    return party


def is_like(event: AuditEvent, search: Search) -> bool:
    """What a search means, spelt out."""
    exact = all(
        getattr(search, name) in (None, "", getattr(event, name))
        for name in ("action", "outcome", "acting_for", "reference", "policy_version")
    )
    return (
        exact
        and (not search.actor or is_by(event.actor, search.actor))
        and search.purpose.casefold() in event.purpose.casefold()
        and (not search.subjects or event.subject in search.subjects)
        and (search.since is None or event.at >= search.since)
        and (search.until is None or event.at < search.until)
    )


def read_pages(party: Party, search: Search, most: int) -> list[int]:
    """Every page of a search, one after the other."""
    found: list[int] = []
    before: int | None = None
    while True:
        page = find_page(party.connection, search, before=before, most=most)
        found += [entry.index for entry in page.entries]
        assert len(page.entries) <= most
        if page.before is None:
            return found
        assert before is None or page.before < before
        before = page.before


@pytest.mark.parametrize("seed", range(4))
def test_pages_find_what_reading_every_entry_finds(varied: Party, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is looked for together, however few entries a page reads at once and shows."""
    random = Random(seed)
    everything = {entry.index: entry.to_event() for entry in varied.log.entries(varied.connection)}
    hits = 0
    for _ in range(150):
        search = Search(**{name: random.choice(choices) for name, choices in CHOICES.items()})
        if random.random() < 0.5:
            kept = random.sample(sorted(CHOICES), 2)
            search = Search(**{name: getattr(search, name) for name in kept})
        monkeypatch.setattr(audit.search, "READ_AT_ONCE", random.choice((1, 7, 1000)))
        expected = [index for index in sorted(everything, reverse=True) if is_like(everything[index], search)]
        assert read_pages(varied, search, random.choice((1, 5, 100))) == expected, search
        assert [entry.index for entry in find_entries(varied.connection, search)] == expected
        assert [entry.index for entry in find_entries(varied.connection, search, most=3)] == expected[:3]
        hits += len(expected)
    assert hits > 300


def test_a_page_stays_what_it_is_while_the_log_grows(varied: Party, make_event: MakeEvent) -> None:
    first = find_page(varied.connection, Search(), most=10)
    second = find_page(varied.connection, Search(), before=first.before, most=10)
    varied.record(make_event(99), make_event(100))
    assert find_page(varied.connection, Search(), before=first.before, most=10) == second
    assert [entry.index for entry in second.entries] == list(range(69, 59, -1))


def test_a_page_without_entries_can_have_more_behind_it(varied: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit.search, "READ_AT_ONCE", 1)
    search = Search(purpose="plan", outcome=Outcome.REFUSED)
    pages = [find_page(varied.connection, search, before=before, most=5) for before in range(2, 81)]
    assert any(page.entries == () and page.before for page in pages)


def test_what_is_looked_for_is_told_without_whoever_is(varied: Party) -> None:
    search = Search(actor="vsh", action=Action.SIGNIN, subjects=(SUBJECT,), since=START)
    assert search.details() == {
        "searched.actor": "vsh",
        "searched.action": "signin",
        "searched.since": "2026-01-05T09:00:00Z",
        "searched.child": True,
    }
    assert Search().details() == {}


@pytest.mark.parametrize(
    ("search", "index"),
    [
        (Search(actor="vsh (social_worker)"), "audit_entries_by_actor"),
        (Search(subjects=(SUBJECT,)), "audit_entries_by_subject"),
        (Search(reference="L-1"), "audit_entries_by_reference"),
        (Search(action=Action.SIGNIN), "audit_entries_by_action"),
        (Search(since=START), "audit_entries_by_at"),
    ],
)
def test_what_has_an_index_is_found_by_it(varied: Party, search: Search, index: str) -> None:
    """Else a page of a log of a million entries would take seconds."""
    statements: list[str] = []
    varied.connection.set_trace_callback(statements.append)
    find_page(varied.connection, search, most=5)
    varied.connection.set_trace_callback(None)
    searched = [statement for statement in statements if statement.lstrip().startswith("SELECT")]
    plans = [str(row[3]) for each in searched for row in varied.connection.execute(f"EXPLAIN QUERY PLAN {each}")]
    assert any(index in plan for plan in plans), plans
    assert not any("TEMP B-TREE" in plan for plan in plans if len(search.subjects) <= 1), plans


def test_a_log_that_cannot_be_searched_says_so(varied: Party) -> None:
    varied.connection.execute("ALTER TABLE audit_entries RENAME COLUMN salt TO pepper")
    with pytest.raises(LogUnreadable, match="cannot be searched"):
        find_page(varied.connection, Search(), most=5)
