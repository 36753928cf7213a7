"""What another node answered, held against what it was asked: nothing more, and nobody else.

A node may answer with anything at all, in its own name and well signed. What it tells beyond what was asked is not
looked at: the whole answer is put aside, logged and shown to our officer, so that nobody comes to see by another's
mistake or malice what they may not.
"""

from collections.abc import Collection
from typing import TypeVar

import msgspec

from federation.delegations import Delegation, DelegationInvalid, check_home, read_delegation
from federation.lookups import (
    SEEKING,
    ChildFile,
    ChildRecord,
    ChildSought,
    LookupAnswer,
    LookupFailed,
    LookupKind,
    LookupOutcome,
    LookupRequest,
)
from federation.register import Member
from node.lookups.file_fields import fields_of
from node.lookups.likeness import are_like, is_same, list_like_dates
from policies.names import FieldGroup

C = TypeVar("C", ChildRecord, ChildFile)


def check_answer(request: LookupRequest, answer: LookupAnswer, sender: Member) -> None:
    """Raise `LookupFailed` unless an answer tells of whom was asked, in the fields that it says it tells.

    The texts name what is wrong and never a value.
    """
    told: tuple[ChildRecord | ChildFile, ...] = (*answer.children, *answer.files)
    if answer.outcome is not LookupOutcome.ANSWERED:
        if told or answer.fields or answer.delegations:
            raise LookupFailed("refused or held the request, and told of children all the same")
        return
    if (answer.children and request.kind is not LookupKind.PLACED_HERE) or (
        answer.files and request.kind is LookupKind.PLACED_HERE
    ):
        raise LookupFailed("answered in another form than was asked")
    if any(_told_fields(child) - set(answer.fields) for child in told):
        raise LookupFailed("told of fields that it does not name")
    numbers = [number for child in told if (number := child.la_child_id or child.upn)]
    if len(set(numbers)) != len(numbers):
        raise LookupFailed("told of one child twice")
    if request.kind in SEEKING:
        _check_one(request, answer)
    if request.kind is LookupKind.CLASS_LIST and any(not _is_at_school(request, file) for file in answer.files):
        raise LookupFailed("told of a child at another school")
    if request.kind is LookupKind.NAMED_CHILD:
        _check_named(request, answer, sender)
    elif answer.delegations:
        raise LookupFailed("sent delegations that nobody asked for")


def _told_fields(child: ChildRecord | ChildFile) -> set[str]:
    return {name for name in child.__struct_fields__ if getattr(child, name) is not None}


def _is_at_school(request: LookupRequest, file: ChildFile) -> bool:
    return file.school in (None, str(request.school_urn)) and file.host_authority in (None, request.authority)


def _check_one(request: LookupRequest, answer: LookupAnswer) -> None:
    """Raise `LookupFailed` for more than one child, or one who is not whom we sought."""
    if len(answer.files) > 1:
        raise LookupFailed("told of more than the one child who was sought")
    assert request.sought is not None
    if answer.files and not _is_whom_we_sought(request.sought, answer.files[0]):
        raise LookupFailed("told of another child than the one who was sought")


def _is_whom_we_sought(sought: ChildSought, file: ChildFile) -> bool:
    """Whether every identifier that was both given and told is the same; what was not told cannot differ."""
    births = _list_births(sought)
    pairs = ((sought.upn, file.upn), (sought.la_child_id.strip(), file.la_child_id))
    same = all(told is None or not given or told == given for given, told in pairs)
    return same and _is_named(sought, file) and (births is None or file.date_of_birth in {None, *births})


def _is_named(sought: ChildSought, file: ChildFile) -> bool:
    """Whether a name that was told, parted at any of its spaces, is that of whom we sought; one not told may be."""
    if not sought.forename or not file.name:
        return True
    wanted, words = (sought.forename, sought.surname), file.name.split()
    parted = [(" ".join(words[:at]), " ".join(words[at:])) for at in range(1, len(words))]
    return any(is_same(wanted, names) or (sought.loosely and are_like(wanted, names)) for names in parted)


def _list_births(sought: ChildSought) -> set[str] | None:
    if sought.date_of_birth is None:
        return None
    births = list_like_dates(sought.date_of_birth) if sought.loosely else {sought.date_of_birth}
    return {born.isoformat() for born in births}


def _check_named(request: LookupRequest, answer: LookupAnswer, sender: Member) -> None:
    """Raise `LookupFailed` for a child, or a field of one, that no delegation to the asker of today names."""
    named: dict[str, frozenset[FieldGroup]] = {}
    for envelope in answer.delegations:
        try:
            delegation = read_delegation(envelope)
            check_home(delegation, sender)
        except DelegationInvalid as error:
            raise LookupFailed(str(error)) from None
        _check_ours(request, answer, delegation)
        for number in delegation.children:
            named[number] = named.get(number, frozenset()) | frozenset(delegation.field_groups)
    for file in answer.files:
        groups = named.get(file.la_child_id or "")
        if groups is None:
            raise LookupFailed("told of a child who was not named to us")
        if _told_fields(file) - {"la_child_id", *fields_of(groups)}:
            raise LookupFailed("told of fields that were not named to us")


def _check_ours(request: LookupRequest, answer: LookupAnswer, delegation: Delegation) -> None:
    to_us = (delegation.home, delegation.receiver, delegation.authority, delegation.role)
    if to_us != (answer.authority, request.sender, request.authority, request.role) or (
        delegation.person not in ("", request.person)
    ):
        raise LookupFailed("sent a delegation that is for somebody else")
    if not delegation.holds_on(request.asked_at.date()):
        raise LookupFailed("sent a delegation that is not of today")


def without_fields(answer: LookupAnswer, gone: Collection[str]) -> LookupAnswer:
    """Return an answer less some of its fields: those that our own policy does not let the asker read."""
    return msgspec.structs.replace(
        answer,
        fields=tuple(name for name in answer.fields if name not in gone),
        children=tuple(hide_fields(child, gone) for child in answer.children),
        files=tuple(hide_fields(file, gone) for file in answer.files),
    )


def hide_fields(child: C, gone: Collection[str]) -> C:
    """Return what is told of a child less some fields."""
    hidden = {name: None for name in child.__struct_fields__ if name in gone}
    return msgspec.structs.replace(child, **hidden)
