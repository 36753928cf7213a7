"""Reading and writing the documents that members exchange: strict JSON with exactly one accepted encoding.

A document is a frozen `msgspec.Struct` that forbids unknown fields. Reading bounds the size, decodes, encodes again and
compares, so a document has one byte string and a signature over it has one meaning; duplicate keys, spare white space
and a second spelling of a number are all refused by that one comparison.
"""

import re
import threading
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated, TypeVar

import msgspec

MAX_DOCUMENT_BYTES = 4 * 1024 * 1024
"""The largest document that is read, sealed pages in bulk apart."""

MAX_BATCH_BYTES = 32 * 1024 * 1024
"""The largest document that carries a sealed page for each of up to 300 nodes."""

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
"""A moment in UTC, to the second, written as 2026-11-23T15:57:00Z."""

# Patterns end in \Z, since $ would also match before a last line break, and two names could look the same.
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._@-]{0,63}\Z")]
"""An identifier of a member, an organisation, a preset or a version: short, lower case, safe in a path."""

Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""A SHA-256 digest in lower-case hexadecimal."""

DigestOrNone = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{64})?\Z")]
"""A digest, or empty where there is nothing to name."""

Code = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{0,64}\Z")]
"""A reason in one word, for logs and programs; empty where none is needed."""

AcademicYear = Annotated[str, msgspec.Meta(pattern=r"^20[0-9]{4}\Z")]
"""An academic year as the governed tables write it, 202425 for September 2024 to August 2025."""

Term = Annotated[str, msgspec.Meta(pattern=r"^20[0-9]{4}-(autumn|spring|summer)\Z")]
"""A school term, by which snapshots are named: 202425-summer."""

TermOrNone = Annotated[str, msgspec.Meta(pattern=r"^(20[0-9]{4}-(autumn|spring|summer))?\Z")]
"""A term, or empty where the rule of everybody decides."""

# Controls, line and direction marks and lone surrogates: what could make a text show as something that it is not.
_DISGUISES = r"\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"

Line = Annotated[str, msgspec.Meta(min_length=1, max_length=1000, pattern=rf"^[^{_DISGUISES}]+\Z")]
"""A sentence or two meant for people, on one line: whoever reads it before signing sees all of it, as it is."""

SqlText = Annotated[str, msgspec.Meta(min_length=1, max_length=10_000, pattern=rf"^(?:[^{_DISGUISES}]|[\t\n]|\r\n)+\Z")]
"""SQL as it was asked and is shown to approvers: several lines, and nothing that shows as something else."""


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every document that crosses between members. The repr shows no content, so that no log can.

    Raises `ValueError` for a moment that is not in UTC or has a fraction of a second: for readers, a `WireError`.
    """

    def __post_init__(self) -> None:
        for name in _name_moments(type(self)):
            moment = getattr(self, name)
            if isinstance(moment, datetime) and (moment.utcoffset() != timedelta(0) or moment.microsecond):
                raise ValueError(f"{name} is not a moment in UTC, to the second")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


@cache
def _name_moments(kind: type[Document]) -> tuple[str, ...]:
    """The fields of a document that may hold a moment: most have none, and thousands are read for a sum."""
    fields = msgspec.structs.fields(kind)
    return tuple(field.name for field in fields if _may_be_moment(msgspec.inspect.type_info(field.type)))


def _may_be_moment(kind: msgspec.inspect.Type) -> bool:
    match kind:
        case msgspec.inspect.UnionType():
            return any(map(_may_be_moment, kind.types))
        case msgspec.inspect.Metadata():
            return _may_be_moment(kind.type)
        case _:
            return isinstance(kind, msgspec.inspect.DateTimeType | msgspec.inspect.AnyType)


C = TypeVar("C")
D = TypeVar("D", bound=Document)

# The library works out what it knows of a type when that type is first read, and two threads that do so at once have
# brought a process down. Reading holds the interpreter anyway, so taking turns costs nothing.
_READING = threading.RLock()

# A path of field names, which is how msgspec ends a message; a sender's own words are not taken for one.
_PLACE = re.compile(r" - at `(\$[\w.\[\]]*)`\Z", re.ASCII)


class WireError(Exception):
    """A document is too large, malformed, or not written in its one accepted encoding."""


def encode_document(document: Document) -> bytes:
    """Return the one encoding of a document."""
    return msgspec.json.encode(document)


def decode_document(data: bytes, kind: type[D], *, limit: int = MAX_DOCUMENT_BYTES) -> D:
    """Read a document of `kind` from at most `limit` bytes. Raises `WireError`, whose text quotes no content."""
    title = kind.__name__
    if len(data) > limit:
        raise WireError(f"{title}: {len(data)} bytes, and at most {limit} are read")
    try:
        with _READING:
            document = msgspec.json.decode(data, type=kind)
        again = msgspec.json.encode(document)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise WireError(f"{title}: {_describe_place(error)}") from None
    if again != data:
        raise WireError(f"{title}: not in its one accepted encoding")
    return document


def reread_kept(data: bytes, kind: type[C]) -> C:
    """Read again what we read strictly once and kept ourselves. Raises `msgspec.MsgspecError` where it is damaged."""
    with _READING:
        return msgspec.json.decode(data, type=kind)


def convert_value(value: object, kind: type[C]) -> C:
    """Return plain data, as TOML gives it, as a value of `kind`. Raises `msgspec.ValidationError`."""
    with _READING:
        return msgspec.convert(value, kind)


def _describe_place(error: Exception) -> str:
    """Say where a document is wrong without repeating what stood there."""
    place = _PLACE.search(str(error)) if isinstance(error, msgspec.ValidationError) else None
    return f"wrong value at {place[1]}" if place else "not a valid document"


def whole_seconds(moment: datetime) -> datetime:
    """Return `moment` in UTC without its fraction of a second, as documents carry it."""
    return moment.astimezone(UTC).replace(microsecond=0)
