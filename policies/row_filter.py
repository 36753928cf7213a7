"""Which rows of a child's record an asker may see, and which fields of each: a decision as data.

Asking the policy once per row costs a decision per child. A `RowFilter` asks it once per relation and leaves the
rest to the engine: the node renders the filter to SQL. It holds no SQL and knows no table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from policies.names import CHILD_RECORD, RECORD_RELATIONS, Action, FieldGroup, Relation, Role

__all__ = ["RowFilter"]


@dataclass(frozen=True)
class RowFilter:
    """The rows and field groups that one role may act on.

    A row is within a clause when its relation holds. The first four hold for a child who is looked after alone:

    - `home`: the row's home authority is `authority`;
    - `host`: the row's host authority is `authority`, and its home authority is another;
    - `school`: the row's school is `school_urn`;
    - `named_child`: the row's child token is in `named_children`;
    - `previously_here`, `in_need_here`, `kinship_here`: the row's host authority is `authority`, and its child is
      previously looked after, in need, or in kinship care.

    A row within several clauses has the field groups of all of them; a row within none is not to be seen, and a
    field outside every group is not to be seen either. There is always a clause: a filter that permits nothing
    cannot be made, so that no renderer can mistake it for one that permits everything.

    Raises `ValueError` where it would be empty, or would hold what it cannot test for.
    """

    role: Role
    action: Action
    authority: str
    school_urn: int | None
    named_children: frozenset[str]
    clauses: Mapping[Relation, frozenset[FieldGroup]]

    def __post_init__(self) -> None:
        """Refuse a filter that permits nothing, and freeze the clauses."""
        if not self.clauses or not all(self.clauses.values()):
            raise ValueError("a row filter needs a clause, and every clause a field group")
        if not set(self.clauses) <= set(self.testable_relations(self.school_urn, self.named_children)):
            raise ValueError("a row filter holds a relation that it has no school or named child to test for")
        if any(not groups <= set(CHILD_RECORD) for groups in self.clauses.values()):
            raise ValueError("a row filter is for the fields of a child's record alone")
        object.__setattr__(self, "clauses", MappingProxyType(dict(self.clauses)))

    @staticmethod
    def testable_relations(school_urn: int | None, named_children: frozenset[str]) -> tuple[Relation, ...]:
        """The relations that can hold for some row, given whether a school and named children are known."""
        unknown = set()
        if school_urn is None:
            unknown.add(Relation.SCHOOL)
        if not named_children:
            unknown.add(Relation.NAMED_CHILD)
        return tuple(relation for relation in RECORD_RELATIONS if relation not in unknown)
