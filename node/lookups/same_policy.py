"""One policy from the question to what is shown: whoever edits it in between stops what is on its way.

The log says under which policy records were read. Were they shown under another, it would say what is not so.
"""

from audit.event import AuditEvent
from node.service import Node

CODE = "policy_changed"


class PolicyChanged(Exception):
    """The access policy was changed while records were read under it: nothing is shown."""


def check_same_policy(node: Node, version: str, refused: AuditEvent) -> None:
    """Raise `PolicyChanged`, having logged that nothing was shown, unless the policy in force is that version still."""
    if node.policy().version == version:
        return
    node.record(refused)
    raise PolicyChanged("the access policy was changed while this was read, and nothing is shown: ask again")
