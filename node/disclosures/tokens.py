"""Under which tokens our own log may have a child, by the numbers that are known of them.

Our own children are logged by the row token of the number that the authority gave them, pupils on our rolls by that of
their pupil number, and other authorities' children by the authority and whichever number we were told.
"""

from collections.abc import Iterable

from federation.register import MemberKind
from node.ingest.tokens import row_token
from node.service import Node


def list_tokens(node: Node, numbers: Iterable[str]) -> tuple[str, ...]:
    """Return every token that our log may have for a child of one of these numbers, our own first."""
    keys, known = node.party.keys, [number for number in map(str.strip, numbers) if number]
    members = node.register().members
    codes = sorted({each.code for member in members if member.kind is MemberKind.NODE for each in member.authorities})
    own = [keys.log_token(row_token(keys.row_secret, number)) for number in known]
    others = [keys.log_token(f"{code}/{number}") for number in known for code in codes]
    return tuple(dict.fromkeys([*own, *others]))
