"""Who witnesses whose log, and the documents in which checkpoints and cosignatures travel by way of the hub.

Every node witnesses the hub's log, and two thirds of them have to have seen the same. A node's log is witnessed by two
other nodes, and no message can say which: the register does. For each other node a digest is made of both ids, and the
lowest two count, one for an operator. The ids are given by whoever keeps the root key, and nothing else goes into the
digest: neither a key, which its holder could make over until the digest suits, nor the register's version, nor anything
of the hub's.

A witness signs with the log key that the register has for it. That key outlives the others, as a log's history does;
and what it signs as a witness begins with other words than what it signs as a log (audit/cosignature.py).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from typing import Annotated

import msgspec

from audit.checkpoint import KeyKind, VerifierKey
from federation.register import Member, MemberKind, Register
from federation.wire import Document, Name

WITNESSES_OF_A_NODE = 2

MOST_LOGS = 1000
"""The most logs that one report or its answer is about: more than there are nodes."""

Size = Annotated[int, msgspec.Meta(ge=0)]
NoteText = Annotated[str, msgspec.Meta(max_length=256 * 1024)]
"""An offer in the form of C2SP tlog-witness, or a line of a signed note."""


class Signed(Document, frozen=True):
    """Up to which size a witness has signed a log, as it says, and its last cosignature; empty where it has not."""

    origin: Name
    witness: Name
    size: Size
    cosignature: NoteText


class Offered(Document, frozen=True):
    """A checkpoint of a log that a witness is asked to sign."""

    origin: Name
    witness: Name
    offer: NoteText


class WitnessReport(Document, frozen=True):
    """What a node tells the hub: what it has signed of others' logs, and what of its own log is to be signed."""

    signed: Annotated[tuple[Signed, ...], msgspec.Meta(max_length=MOST_LOGS)]
    offered: Annotated[tuple[Offered, ...], msgspec.Meta(max_length=WITNESSES_OF_A_NODE)]


class WitnessAnswer(Document, frozen=True):
    """What the hub has for a node: logs to sign, the hub's own among them, and what was signed of the node's own."""

    offered: Annotated[tuple[Offered, ...], msgspec.Meta(max_length=MOST_LOGS)]
    signed: Annotated[tuple[Signed, ...], msgspec.Meta(max_length=WITNESSES_OF_A_NODE)]


def list_witnesses(register: Register, origin: str, now: datetime) -> tuple[Member, ...]:
    """Return whose cosignatures count on a log: every node for the hub's, two nodes of other operators for a node's.

    There are fewer than two where the federation has fewer operators, and none for a log that is nobody's here.
    """
    nodes = tuple(register.active(MemberKind.NODE, now))
    if _is_hub(register, origin, now):
        return nodes
    chosen = _choose(tuple((node.id, node.operator) for node in nodes)).get(origin, ())
    return tuple(node for node in nodes if node.id in chosen)


def list_witnessed(register: Register, witness: str, now: datetime) -> tuple[Member, ...]:
    """Return whose logs a node witnesses: the hub's, and those of the nodes that the rule gives it."""
    nodes = tuple(register.active(MemberKind.NODE, now))
    chosen = _choose(tuple((node.id, node.operator) for node in nodes))
    if witness not in chosen:
        return ()
    return (*register.active(MemberKind.HUB, now), *(node for node in nodes if witness in chosen[node.id]))


def _is_hub(register: Register, origin: str, now: datetime) -> bool:
    return any(hub.id == origin for hub in register.active(MemberKind.HUB, now))


# Each of 153 nodes is ranked for every other, which takes a twentieth of a second, so it is done once for a register.
@lru_cache(maxsize=8)
def _choose(nodes: tuple[tuple[str, str], ...]) -> Mapping[str, frozenset[str]]:
    """Return the witnesses of each of these nodes, which are given by id and operator."""
    return {node: frozenset(islice(_pick(node, operator, nodes), WITNESSES_OF_A_NODE)) for node, operator in nodes}


def _pick(node: str, operator: str, nodes: tuple[tuple[str, str], ...]) -> Iterator[str]:
    """Yield the nodes that come first for one, as many as there are other operators."""
    operators = {operator}
    for other, its_operator in sorted(nodes, key=lambda each: _rank(node, each[0])):
        if its_operator not in operators:
            operators.add(its_operator)
            yield other


def _rank(node: str, other: str) -> bytes:
    return sha256(f"circe witness\n{node}\n{other}\n".encode()).digest()


def find_quorum(register: Register, origin: str, now: datetime) -> int:
    """Return how many of its witnesses have to have cosigned a checkpoint: two thirds of the nodes, or both of two.

    Never none: where a log has no witness, nothing of it is ever witnessed.
    """
    witnesses = len(list_witnesses(register, origin, now))
    return max(1, -(-2 * witnesses // 3)) if _is_hub(register, origin, now) else WITNESSES_OF_A_NODE


def witness_key(member: Member) -> VerifierKey:
    """Return the key by which a member's cosignatures are verified."""
    return VerifierKey(member.id, member.public_log_key, KeyKind.COSIGNATURE)
