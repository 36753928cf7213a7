"""Reading and writing the documents that members exchange: strict JSON with exactly one accepted encoding.

A document is a frozen `msgspec.Struct` that forbids unknown fields. Reading bounds the size, decodes, encodes again and
compares, so a document has one byte string and a signature over it has one meaning; duplicate keys, spare white space
and a second spelling of a number are all refused by that one comparison.
"""

from datetime import UTC, datetime
from typing import Annotated, TypeVar

import msgspec

MAX_DOCUMENT_BYTES = 4 * 1024 * 1024
"""The largest document that is read, sealed pages in bulk apart."""

MAX_BATCH_BYTES = 32 * 1024 * 1024
"""The largest document that carries a sealed page for each of up to 300 nodes."""

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
"""A moment in UTC, to the second, written as 2026-11-23T15:57:00Z."""

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._@-]{0,63}$")]
"""An identifier of a member, an organisation or a project: short, lower case, safe in a path."""

Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 digest in lower-case hexadecimal."""

Line = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
"""A sentence or two meant for people."""


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every document that crosses between members."""


D = TypeVar("D", bound=Document)


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
        document = msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"{title}: {_describe_place(error)}") from None
    if msgspec.json.encode(document) != data:
        raise WireError(f"{title}: not in its one accepted encoding")
    return document


def _describe_place(error: Exception) -> str:
    """Say where a document is wrong without repeating what stood there."""
    text = str(error)
    if not isinstance(error, msgspec.ValidationError) or " - at `" not in text:
        return "not a valid document"
    return f"wrong value at {text.rsplit(' - at `', 1)[1].rstrip('`')}"


def whole_seconds(moment: datetime) -> datetime:
    """Return `moment` in UTC without its fraction of a second, as documents carry it."""
    return moment.astimezone(UTC).replace(microsecond=0)
