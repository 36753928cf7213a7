"""An authority's own access policy: what a new file would change, and putting it into effect.

The file is linted and compared with the one in force before anything is written. What puts it into force is its entry
in the log, by the versions of both and the digest of its text, which is kept in the same transaction. A file that is
edited where it stands, or put there by anything else, is not in force: nobody sees anything until it is
(`Node.policy`).
"""

from dataclasses import dataclass
from pathlib import Path

from audit.event import Action
from federation.state import hold_directory, write_file
from node.adopted_policy import digest_policy, keep_policy
from node.service import POLICY_FILE, Node
from policies.access_policy import AccessPolicy, name_version
from policies.area_duties import tell_area_duties
from policies.changes import PolicyChange, compare_policies
from policies.linter import PolicyInvalid


@dataclass(frozen=True)
class ProposedPolicy:
    """A linted policy that is not in force yet: its bytes, the versions after and before it, and what it changes.

    `duties` says which duties to children who are not in care it has switched on.
    """

    data: bytes
    version: str
    replaces: str
    change: PolicyChange
    duties: tuple[str, ...]


def propose_policy(node: Node, path: Path) -> ProposedPolicy:
    """Read a policy file and say what it would change.

    Raises `PolicyInvalid` with everything that is wrong with it, and `PolicyMoved` where it changes under our eyes.
    """
    proposed, in_force = AccessPolicy.load(path), _find_in_force(node)
    data = path.read_bytes()
    if name_version(data) != proposed.version:
        raise PolicyMoved(f"{path} was written to while it was read; nothing was done: compare again")
    change = compare_policies(in_force.rules, proposed.rules)
    return ProposedPolicy(data, proposed.version, in_force.version, change, tell_area_duties(proposed.rules))


def adopt_policy(node: Node, proposed: ProposedPolicy) -> None:
    """Put a proposed policy into effect, by its entry in the log.

    Raises `PolicyMoved` where another policy has come into force since it was compared: its sentences would not hold.
    """
    with hold_directory(node.party.directory):
        if _find_in_force(node).version != proposed.replaces:
            raise PolicyMoved("the policy in force has changed meanwhile; nothing was done: compare again")
        event = node.event(
            Action.POLICY_ADOPTED,
            node.party.member_id,
            "",
            policy_version=proposed.version,
            digest=digest_policy(proposed.data),
            replaces=proposed.replaces,
            gained=len(proposed.change.gained),
            lost=len(proposed.change.lost),
        )
        with node.database.transaction() as connection:
            keep_policy(connection, proposed.data)
            node.database.log.append(connection, event)
        write_file(node.party.directory / POLICY_FILE, proposed.data)


def _find_in_force(node: Node) -> AccessPolicy:
    """What a new policy is compared with: the one adopted last or, where that one can be read no more, the packaged."""
    try:
        return node.adopted_policy()
    except PolicyInvalid:
        return AccessPolicy.load()


def find_trouble(node: Node) -> str:
    """Return what is wrong with the policy, so that nobody sees anything here; nothing where one is in force."""
    try:
        node.policy()
    except PolicyInvalid as invalid:
        return str(invalid)
    return ""


class PolicyMoved(Exception):
    """A policy is not the one any more that it was a moment ago: the one in force, or the one proposed."""
