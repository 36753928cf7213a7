"""Who takes part in `circe demo`: a hub, a node for each authority, and four people, each with a directory."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cast:
    """Who takes part and where each keeps its state."""

    directory: Path
    authorities: tuple[str, ...]
    address: str

    def node(self, authority: str) -> Path:
        """The directory of an authority's node."""
        return self.directory / f"node-{authority}"

    @property
    def busiest_host(self) -> Path:
        """The node of the authority in whose schools most children of others are: its head has most to look up."""
        authorities = json.loads((self.directory / "england" / "england.json").read_text())["authorities"]
        return self.node(max(authorities, key=lambda code: authorities[code]["hosted"]))

    @property
    def nodes(self) -> tuple[Path, ...]:
        """Every node's directory."""
        return tuple(self.node(authority) for authority in self.authorities)

    @property
    def hub(self) -> Path:
        """The hub's directory."""
        return self.directory / "hub"

    @property
    def root(self) -> Path:
        """Where the root key lives; in a real federation, on a machine of its own."""
        return self.directory / "root"

    @property
    def people(self) -> dict[str, tuple[str, str, str, str]]:
        """The people with keys of their own: kind, title, organisation and its kind, by id."""
        first = f"la-{self.authorities[0]}"
        return {
            "ana@ucl": ("researcher", "Ana Silva, researcher", "ucl", "research"),
            f"officer@{first}": ("approver", "Data officer of the first authority", first, "authority"),
            "officer@dfe": ("approver", "Data officer of the department", "dfe", "department"),
            "ig@hub-operator": ("ig_officer", "The hub's governance officer", "hub-operator", "hub_operator"),
        }

    @property
    def approvers(self) -> tuple[str, ...]:
        """The two officers who approve, of two organisations."""
        return tuple(person for person, (kind, *_) in self.people.items() if kind == "approver")

    def person(self, person: str) -> Path:
        """The directory of one person's keys, on what would be their own machine."""
        return self.directory / "people" / person

    @property
    def members(self) -> dict[str, Path]:
        """Every member's directory by the member's id: hub, nodes and people."""
        nodes = {f"node-{code}": self.node(code) for code in self.authorities}
        return {"hub": self.hub, **nodes, **{person: self.person(person) for person in self.people}}
