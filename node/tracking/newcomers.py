"""Children who came into our care after the last load: entered by hand, so that their record can begin at once.

A newcomer is entered under the number by which our social care system knows the child. The row token is made of that
number, as a load makes it, so the record is the same before and after. A load that has the child under another number,
with the same pupil number and date of birth, has the record taken over to that one. Whoever has left again before any
return could tell of them is taken off the list; the record stays.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date
from typing import Annotated

import msgspec

from audit.event import Action, AuditEvent, EventInvalid
from federation.claims import Upn
from federation.database import stamp
from federation.delegations import ChildNumber
from federation.state import StateError
from federation.typed_days import read_day
from federation.wire import Document, encode_document, reread_kept
from node.ingest.tokens import row_token
from node.lookups.records import CHILDREN, IN_CARE_NOW
from node.people import Person
from node.service import Node
from node.snapshots import Snapshot
from node.tracking.known import KnownChild
from node.tracking.store import add_history, read_record
from node.vault import ask_vault
from policies.access_policy import AccessRequest
from policies.names import Action as PolicyAction
from policies.names import FieldGroup, Relation
from policies.row_filter import RowFilter

Words = Annotated[str, msgspec.Meta(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
School = Annotated[int, msgspec.Meta(ge=100_000, le=999_999)]
AuthorityCode = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{3}\Z")]

OLDEST_YEARS = 26
"""Nobody older is in care, or leaves it."""


class Newcomer(Document, frozen=True):
    """What is entered of a child: who it is, since when in care, and where educated. Raises `ValueError`."""

    number: ChildNumber
    date_of_birth: date
    care_start: date
    upn: Upn | None = None
    name: Words = ""
    school_urn: School | None = None
    host_authority: AuthorityCode | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.date_of_birth <= self.care_start:
            raise ValueError("a child comes into care after being born")


HOW: Mapping[str, str] = {
    "number": "give our number of the child",
    "date_of_birth": "give the date of birth, as in 31/12/2015",
    "care_start": "give the first day in care, after the date of birth, as in 31/12/2025",
    "upn": "a pupil number has 13 characters",
    "name": "write the name in letters",
    "school_urn": "a school's URN has six figures",
    "host_authority": "an authority's code has three figures",
}
"""How each field is written, for whoever wrote something else."""


class NewcomerUnclear(StateError):
    """A child is described in a way that nobody is entered by; `errors` says so field by field, and repeats nothing."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = errors


def read_newcomer(texts: Mapping[str, str]) -> Newcomer:
    """Return the child whom a form or a file describes. Raises `NewcomerUnclear`."""
    given = {name: text.strip() for name, text in texts.items() if text.strip()}
    if "upn" in given:
        given["upn"] = given["upn"].replace(" ", "").upper()
    if given.keys() - HOW.keys():
        raise NewcomerUnclear({"number": f"a child is described by: {', '.join(HOW)}"})
    for name in given.keys() & {"date_of_birth", "care_start"}:
        with suppress(ValueError):
            given[name] = read_day(given[name]).isoformat()
    wrong = [field.name for field in msgspec.structs.fields(Newcomer) if not _is_good(field, given.get(field.name))]
    if wrong:
        raise NewcomerUnclear({name: HOW[name] for name in wrong})
    try:
        return msgspec.convert(given, Newcomer, strict=False)
    except ValueError:  # A ValidationError of msgspec is one. Each field is good by itself.
        raise NewcomerUnclear({"care_start": HOW["care_start"]}) from None


def _is_good(field: msgspec.structs.FieldInfo, text: str | None) -> bool:
    if text is None:
        return not field.required
    try:
        msgspec.convert(text, field.type, strict=False)
    except ValueError:
        return False
    return True


def enter_newcomer(node: Node, person: Person, newcomer: Newcomer, reason: str) -> str:
    """Enter a child, log it, and return the row token. The same child entered again replaces what was entered.

    Raises `AccessDenied` for whoever may not update our children's plans, and `StateError` for a child who is in the
    snapshot already, a day that is none, and a reason that is missing or that no log may keep.
    """
    check_enterer(node, person)
    check_newcomer(node, newcomer)
    token = row_token(node.party.keys.row_secret, newcomer.number)
    event = _event(node, person, token, reason, "entered")
    with node.database.transaction() as connection:
        keep_newcomer(connection, node, person, newcomer)
        node.database.log.append(connection, event)
    return token


def keep_newcomer(connection: sqlite3.Connection, node: Node, person: Person, newcomer: Newcomer) -> None:
    """Keep a child who was entered, inside the caller's transaction."""
    token = row_token(node.party.keys.row_secret, newcomer.number)
    row = (token, stamp(node.clock()), person.id, encode_document(newcomer))
    connection.execute("INSERT OR REPLACE INTO tracking_newcomers VALUES (?, ?, ?, ?)", row)


def check_enterer(node: Node, person: Person) -> None:
    """Raise `AccessDenied` for whoever may not read whose record it is, and update the plan, of our children."""
    for action, group in ((PolicyAction.READ, FieldGroup.IDENTITY), (PolicyAction.UPDATE, FieldGroup.PLAN_PEP)):
        node.policy().check(AccessRequest(person.role, Relation.HOME, action, group))


def check_newcomer(node: Node, newcomer: Newcomer) -> None:
    """Raise `StateError` for a child who is in care already as far as we know, or for days that cannot be."""
    today, snapshot = node.clock().date(), node.store.current()
    if newcomer.care_start > today or (today - newcomer.date_of_birth).days > 366 * OLDEST_YEARS:
        raise StateError("one of the days cannot be: the first day in care is today or before")
    if snapshot is None:
        raise StateError("nothing is loaded yet: the node's administrator loads the return files")
    if _find(snapshot, newcomer) is not None:
        raise StateError("this child is among our children in care already: open the record there")


def take_off(node: Node, person: Person, token: str, reason: str) -> None:
    """Take a child off the list who has left again; the record stays. Raises `AccessDenied` and `StateError`."""
    check_enterer(node, person)
    event = _event(node, person, token, reason, "taken_off")
    with node.database.transaction() as connection:
        done = connection.execute("DELETE FROM tracking_newcomers WHERE child = ?", (token,))
        if done.rowcount != 1:
            raise StateError("this child is not on the list: a load may have brought them")
        node.database.log.append(connection, event)


def list_newcomers(node: Node) -> Mapping[str, Newcomer]:
    """Everybody who was entered and whom no load has brought yet, by row token."""
    rows = node.database.connection.execute("SELECT child, newcomer FROM tracking_newcomers ORDER BY entered_at, child")
    return {row["child"]: reread_kept(bytes(row["newcomer"]), Newcomer) for row in rows}


def find_loaded(snapshot: Snapshot, number: str, upn: str | None, born: date) -> tuple[str, date] | None:
    """The row token and day of birth of a child in care in the snapshot who is meant; None where there is none.

    It is the same child by our own number; or by pupil number and day of birth, both.
    """
    rows = ask_vault(
        {CHILDREN: snapshot.identified[CHILDREN]},
        f"""SELECT child, dob FROM {CHILDREN} WHERE {IN_CARE_NOW}
            AND (la_child_id = $number OR (upn = $upn AND dob = $born)) ORDER BY la_child_id = $number DESC""",  # noqa: S608
        {"number": number, "upn": upn, "born": born},
    )
    return (str(rows[0][0]), rows[0][1]) if rows else None


def _find(snapshot: Snapshot, newcomer: Newcomer) -> str | None:
    found = find_loaded(snapshot, newcomer.number, newcomer.upn, newcomer.date_of_birth)
    return found[0] if found else None


def match_newcomers(node: Node, snapshot: Snapshot) -> int:
    """Take everybody off the list whom a snapshot has, with their record, and return how many that were.

    Safe to do twice: the record is taken over once, in the transaction that takes the child off the list.
    """
    found = {token: _find(snapshot, newcomer) for token, newcomer in list_newcomers(node).items()}
    matched = {token: loaded for token, loaded in found.items() if loaded is not None}
    for token, loaded in matched.items():
        with node.database.transaction() as connection:
            _take_over(connection, node, token, loaded)
            node.database.log.append(connection, _matched(node, loaded))
    return len(matched)


def _take_over(connection: sqlite3.Connection, node: Node, token: str, loaded: str) -> None:
    connection.execute("DELETE FROM tracking_newcomers WHERE child = ?", (token,))
    if token == loaded:
        return
    begun, record = read_record(connection, token), read_record(connection, loaded)
    told = (replace(each, told_by=each.told_by or node.authority, made_at=each.made) for each in begun.entries)
    add_history(connection, loaded, record.version, told, node.clock())


def know_newcomers(
    node: Node, read: RowFilter, update: RowFilter | None, loaded: Iterable[str] = ()
) -> Iterator[KnownChild]:
    """The newcomers whom one reader may see, as far as the policy lets them; those whom a load has are left out."""
    gone = frozenset(loaded)
    for token, newcomer in list_newcomers(node).items():
        readable = permitted_groups(read, newcomer, node.authority)
        if token not in gone and readable:
            writable = permitted_groups(update, newcomer, node.authority) if update else frozenset()
            yield _know(token, newcomer, readable, writable & readable)


def permitted_groups(rule: RowFilter, newcomer: Newcomer, home: str) -> frozenset[FieldGroup]:
    """The groups that a filter permits of a child who is in no snapshot: by the relations that hold for them."""
    holds = {
        Relation.HOME: rule.authority == home,
        Relation.HOST: home != rule.authority == newcomer.host_authority,
        Relation.SCHOOL: rule.school_urn is not None and rule.school_urn == newcomer.school_urn,
    }
    groups = [rule.clauses.get(relation, frozenset()) for relation, does in holds.items() if does]
    return frozenset().union(*groups)


def _know(
    token: str, newcomer: Newcomer, readable: frozenset[FieldGroup], writable: frozenset[FieldGroup]
) -> KnownChild:
    identity, care, education = (
        group in readable for group in (FieldGroup.IDENTITY, FieldGroup.CARE, FieldGroup.EDUCATION)
    )
    return KnownChild(
        token=token,
        number=newcomer.number if identity else None,
        readable=readable,
        writable=writable,
        name=(newcomer.name or None) if identity else None,
        upn=newcomer.upn if identity else None,
        date_of_birth=newcomer.date_of_birth if identity else None,
        care_start=newcomer.care_start if care else None,
        school_urn=newcomer.school_urn if education else None,
        host_authority=newcomer.host_authority if education else None,
        is_newcomer=True,
    )


def _matched(node: Node, loaded: str) -> AuditEvent:
    return node.event(
        Action.TRACKING_UPDATED,
        node.party.member_id,
        "",
        acting_for=node.authority,
        subject=node.party.keys.log_token(loaded),
        relationship=Relation.HOME,
        newcomer="matched",
    )


def _event(node: Node, person: Person, token: str, reason: str, what: str) -> AuditEvent:
    if not reason.strip():
        raise StateError("say why: it is logged")
    try:
        return node.event(
            Action.TRACKING_UPDATED,
            f"{person.id} ({person.role})",
            "",
            acting_for=node.authority,
            purpose=reason,
            subject=node.party.keys.log_token(token),
            relationship=Relation.HOME,
            policy_version=node.policy().version,
            newcomer=what,
        )
    except EventInvalid as error:
        raise StateError(f"the reason cannot be logged: {error}") from None
