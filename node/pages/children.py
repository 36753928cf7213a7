"""Our own children in care, wherever educated. A purpose is asked for first; it and every child shown are logged.

Purposes and children are sent in forms, never in an address.
"""

from flask import Blueprint, render_template, request

from node.lookups.own_children import LISTING, list_own_children
from node.lookups.purpose import PurposeMissing
from node.lookups.reading_room import admit_reader
from node.pages.staff import may_read_ours, require_visitor_who, the_node
from node.pages.tracking_forms import reference_by_number
from policies.access_policy import AccessDenied

children = Blueprint("children", __name__)

NOT_YOURS = "the records of our children are for the virtual school: your role does not have them"


@children.get("/children")
def ask_purpose() -> str:
    """Ask why the list is read."""
    require_visitor_who(may_read_ours, NOT_YOURS)
    return render_template("children_purpose.html", purpose="", errors={})


@children.post("/children")
def show_children() -> tuple[str, int] | str:
    """Show the list, once the purpose has been logged."""
    visitor, node = require_visitor_who(may_read_ours, NOT_YOURS), the_node()
    purpose = request.form.get("purpose", "")
    snapshot = node.store.current()
    if snapshot is None:
        return render_template("children.html", columns=(), rows=(), snapshot=None, purpose=purpose)
    try:
        reader = admit_reader(node, visitor.id, purpose, LISTING)
        found = list_own_children(node, snapshot, reader.person.role)
    except PurposeMissing as missing:
        return render_template("children_purpose.html", purpose=purpose, errors={"purpose": str(missing)}), 400
    except AccessDenied:
        # The policy, or the role, was changed between the two requests.
        require_visitor_who(lambda _: False, NOT_YOURS)
        raise
    reader.sign_for(number for number, *_ in found.rows)
    shown = [index for index, _ in enumerate(LISTING.columns) if any(row[index] is not None for row in found.rows)]
    return render_template(
        "children.html",
        columns=[LISTING.columns[index] for index in shown],
        rows=[[row[index] for index in shown] for row in found.rows],
        references=[reference_by_number(number) for number, *_ in found.rows],
        snapshot=snapshot,
        purpose=purpose,
    )
