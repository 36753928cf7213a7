"""The headers of every response: nothing runs, nothing is framed, nothing is kept, and no address is passed on."""

from collections.abc import Mapping

from werkzeug.datastructures import Headers

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
"""Pages load this party's own stylesheet and images, send forms to it alone, and run no script at all."""

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Set on every response, whoever it is for. The referrer is withheld since addresses can hold a sign-in code."""

YEAR = 31_536_000


def set_headers(headers: Headers, *, secure: bool, kept: bool) -> None:
    """Set the headers of a response that came over TLS (`secure`) and that caches may keep (`kept`) or not."""
    headers.update(SECURITY_HEADERS)
    headers["Cache-Control"] = f"public, max-age={YEAR}, immutable" if kept else "no-store"
    if secure:
        headers["Strict-Transport-Security"] = f"max-age={YEAR}"
