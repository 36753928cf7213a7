"""The headers of every response: nothing is framed, nothing is kept, no address is passed on, and nothing runs but
this party's own scripts, on the pages that say they have one: those of signing in, of asking and of following."""

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

WITH_SCRIPT = f"{CONTENT_SECURITY_POLICY}; script-src 'self'"
"""Some pages also load this party's own script file; what stands in a page is never run."""

WITH_ASKING_SCRIPT = f"{WITH_SCRIPT}; connect-src 'self'"
"""Where the script asks this party for more, it can ask nobody else."""

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Set on every response, whoever it is for."""

YEAR = 31_536_000


def set_headers(headers: Headers, *, secure: bool, kept: bool, scripted: bool, asking: bool = False) -> None:
    """Set the headers of a response: over TLS or not, one that caches may keep or not, with our script or not.

    `asking` says that the script asks us for more.
    """
    headers.update(SECURITY_HEADERS)
    if scripted:
        headers["Content-Security-Policy"] = WITH_ASKING_SCRIPT if asking else WITH_SCRIPT
    headers["Cache-Control"] = f"public, max-age={YEAR}, immutable" if kept else "no-store"
    if secure:
        headers["Strict-Transport-Security"] = f"max-age={YEAR}"
