"""What a party says of its health at its door: "ok", or in a word what fails."""

from flask import Response

__all__ = ["say_health"]


def say_health(failing: str) -> Response:
    """Return "ok", or what fails with status 503, where that is not empty."""
    return Response(f"{failing or 'ok'}\n", 503 if failing else 200, content_type="text/plain; charset=utf-8")
