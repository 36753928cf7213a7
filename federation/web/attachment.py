"""A file that a page hands out: kept by the browser under a name, never shown in its place."""

from collections.abc import Iterator

from flask import Response

__all__ = ["attach"]


def attach(content: str | bytes | Iterator[bytes], kind: str, name: str) -> Response:
    """Return what is handed out as a file of this kind and name."""
    return Response(content, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
