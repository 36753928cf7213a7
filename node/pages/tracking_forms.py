"""What the forms of the tracking pages carry: a purpose, and a reference to a child that is of no use elsewhere.

A reference is worked out of the session and the child's row token, under the secret of this node's sessions. It names
the child to this session alone; in another, after signing in again, or made up, it names nobody. Forms carry it, and no
address ever does.
"""

import hmac

from flask import request

from federation.problems import ProblemRaised
from federation.state import StateError
from federation.web.site import current_session, the_site
from node.ingest.tokens import row_token
from node.pages.staff import may_read_tracking, require_visitor, require_visitor_who, the_node
from node.tracking.known import KnownChild
from node.tracking.visit import Visit, begin_visit
from policies.access_policy import AccessDenied

NOT_YOURS = "tracking records are for the virtual school and a child's own school: your role does not have them"


def reference_to(child: KnownChild) -> str:
    """The reference by which forms of this session name a child."""
    return _refer(child.token)


def reference_by_number(number: object) -> str:
    """The same of one of our children by our own number, for pages that show no tracking; empty where there is none,
    and for a visitor who may not read tracking records.
    """
    visitor, node = require_visitor(), the_node()
    if not number or not may_read_tracking(visitor):
        return ""
    return _refer(row_token(node.party.keys.row_secret, str(number)))


def _refer(token: str) -> str:
    session = current_session()
    assert session is not None  # A visitor who has signed in has one.
    told = f"circe child {session.key} {token}"
    return hmac.digest(the_site().secret, told.encode(), "sha256").hex()[:32]


def visit_stated() -> Visit:
    """Begin the visit that a form asks for. Raises `PurposeMissing`, and problems for whoever may not come."""
    visitor, node = require_visitor_who(may_read_tracking, NOT_YOURS), the_node()
    try:
        return begin_visit(node, visitor.id, request.form.get("purpose", ""))
    except AccessDenied:
        raise ProblemRaised(403, "not_permitted", NOT_YOURS) from None
    except StateError as error:
        raise ProblemRaised(503, "nothing_loaded", str(error)) from None


def child_meant(visit: Visit) -> KnownChild:
    """The child that a form refers to, among those whose records the visitor may read. Raises a 404 problem."""
    sent = request.form.get("child", "")
    for child in visit.children:
        if hmac.compare_digest(sent.encode(), reference_to(child).encode()):
            return child
    raise ProblemRaised(404, "no_such_child", "this page has gone stale, or is of nobody you may read: begin again")
