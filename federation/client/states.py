"""What a state of a query means, also one that a later version has and we do not: then the hub says it, once for all.

A state of our own means what we have always taken it for, whatever the hub says.
"""

from typing import TYPE_CHECKING

from federation.exchange import SETTLED, ExplainedState, QueryState

if TYPE_CHECKING:
    from federation.transport import HubConnection

OWN = {each.value: ExplainedState(name=each.value, meaning=each.meaning, final=each in SETTLED) for each in QueryState}
"""The states that we know, by name."""


class KnownStates:
    """The states of queries that one connection has come across."""

    def __init__(self, connection: "HubConnection") -> None:
        self._connection, self._later = connection, dict[str, ExplainedState]()

    def is_final(self, name: str) -> bool:
        """Whether a query stays in a state: it goes on where neither we nor the hub say that it does."""
        found = self._find(name)
        return found is not None and found.final

    def explain_later(self, name: str) -> str:
        """Return what a state of a later version means, in the hub's words; nothing for one of ours."""
        found = None if name in OWN else self._find(name)
        return "" if found is None else found.meaning

    def _find(self, name: str) -> ExplainedState | None:
        if name not in OWN and name not in self._later:
            self._later = {each.name: each for each in self._connection.fetch_states().states}
        return OWN.get(name) or self._later.get(name)
