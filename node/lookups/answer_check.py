"""What another node answered, held against what it was asked: nothing more, and nobody else.

A node may answer with anything at all, in its own name and well signed. What it tells beyond what was asked is not
looked at: the whole answer is put aside, logged and shown to our officer, so that nobody comes to see by another's
mistake or malice what they may not.
"""

from collections.abc import Collection
from typing import TypeVar

import msgspec

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
from node.lookups.likeness import are_like, is_same, list_like_dates

C = TypeVar("C", ChildRecord, ChildFile)


def check_answer(request: LookupRequest, answer: LookupAnswer) -> None:
    """Raise `LookupFailed` unless an answer tells of whom was asked, in the fields that it says it tells.

    The texts name what is wrong and never a value.
    """
    told: tuple[ChildRecord | ChildFile, ...] = (*answer.children, *answer.files)
    if answer.outcome is not LookupOutcome.ANSWERED:
        if told or answer.fields:
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


def _told_fields(child: ChildRecord | ChildFile) -> set[str]:
    return {name for name in child.__struct_fields__ if getattr(child, name) is not None}


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
