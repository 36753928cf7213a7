"""An authority's own access policy: what a new file would change, and putting it into effect.

The file is linted and compared with the one in force before anything is written, and the change is in the log, by the
versions of both, before it takes effect. One that is edited where it stands, and not adopted, is not in force: nobody
sees anything until it is (`Node.policy`).
"""

from dataclasses import dataclass
from pathlib import Path

from audit.event import Action
from federation.state import hold_directory, write_file
from node.service import ADOPTED_FILE, POLICY_FILE, Node
from policies.access_policy import AccessPolicy, name_version
from policies.changes import PolicyChange, compare_policies


@dataclass(frozen=True)
class ProposedPolicy:
    """A linted policy that is not in force yet: its bytes, the versions after and before it, and what it changes."""

    data: bytes
    version: str
    replaces: str
    change: PolicyChange


def propose_policy(node: Node, path: Path) -> ProposedPolicy:
    """Read a policy file and say what it would change.

    Raises `PolicyInvalid` with everything that is wrong with it, and `PolicyMoved` where it changes under our eyes.
    """
    proposed, in_force = AccessPolicy.load(path), node.adopted_policy()
    data = path.read_bytes()
    if name_version(data) != proposed.version:
        raise PolicyMoved(f"{path} was written to while it was read; nothing was done: compare again")
    return ProposedPolicy(data, proposed.version, in_force.version, compare_policies(in_force.rules, proposed.rules))


def adopt_policy(node: Node, proposed: ProposedPolicy) -> None:
    """Put a proposed policy into effect, and log it first.

    Raises `PolicyMoved` where another policy has come into force since it was compared: its sentences would not hold.
    """
    with hold_directory(node.party.directory):
        if node.adopted_policy().version != proposed.replaces:
            raise PolicyMoved("the policy in force has changed meanwhile; nothing was done: compare again")
        node.record(
            node.event(
                Action.POLICY_CHANGED,
                node.party.member_id,
                "",
                policy_version=proposed.version,
                replaces=proposed.replaces,
                gained=len(proposed.change.gained),
                lost=len(proposed.change.lost),
            )
        )
        for name in (ADOPTED_FILE, POLICY_FILE):
            write_file(node.party.directory / name, proposed.data)


class PolicyMoved(Exception):
    """A policy is not the one any more that it was a moment ago: the one in force, or the one proposed."""
