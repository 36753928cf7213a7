"""Copies: a file that somebody takes away from the hub is logged before it leaves: who, for whom, what of, which form.

A page of the hub hands a file out by `hand_out` and by nothing else; for copies of the log it records the same. So do
the doors by which members' software fetches a release and its proof. Of what is in a file the log has nothing.
"""

from typing import Any

from flask import Response

from audit.event import Action
from federation.register import Member
from federation.web.attachment import attach
from hub.service import Hub

__all__ = ["hand_out", "record_copy"]


def hand_out(
    hub: Hub,
    taker: Member,
    content: str | bytes,
    kind: str,
    name: str,
    *,
    form: str,
    reference: str = "",
    **what: Any,
) -> Response:
    """Return a file of this kind and name, once it is logged who takes it away."""
    response = attach(content, kind, name)
    record_copy(hub, taker, form=form, reference=reference, **what)
    return response


def record_copy(
    hub: Hub, taker: Member, *, form: str, reference: str = "", action: Action = Action.FILE_EXPORTED, **what: Any
) -> None:
    """Log that a member, acting for their organisation, takes away a copy of something in a form."""
    event = hub.event(action, taker.id, reference, acting_for=taker.organisation, form=form, **what)
    with hub.database.transaction() as connection:
        hub.database.log.append(connection, event)
