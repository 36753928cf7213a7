"""Problem documents (RFC 9457): the one shape in which a refusal crosses HTTP.

`title` says what kind of problem it is, `detail` what was wrong, where and what to do, and `code` is the word that logs
and programs use. No data value and no traceback ever stands in one.
"""

from federation.wire import Document

PROBLEM_TYPE = "application/problem+json"


class Problem(Document, frozen=True):
    """A problem document; `type` stays `about:blank`, as the RFC allows, and `code` tells problems apart."""

    status: int
    title: str
    detail: str
    code: str
    type: str = "about:blank"


class ProblemRaised(Exception):
    """Raised anywhere behind an HTTP door to answer with a problem."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.problem = Problem(status=status, title=TITLES.get(status, "Error"), detail=detail, code=code)


TITLES = {
    400: "The request cannot be read",
    401: "The request is not signed",
    403: "Not allowed",
    404: "Not found",
    409: "Not possible in this state",
    413: "Too large",
    422: "The query is refused",
    429: "Too many requests",
    500: "Something went wrong here",
    503: "Busy",
}
"""What each status means in this service, in words for people."""
