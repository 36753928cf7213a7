"""Reads GROUP BY: what is grouped by, and the grouping sets of ROLLUP, CUBE and GROUPING SETS."""

from collections.abc import Sequence
from itertools import combinations

from sqlglot import exp

from query_engine.language.groupings import read_grouping
from query_engine.language.scope import Scope
from query_engine.query.model import ByColumn, FitModel, Grouped, Grouping, Selected
from query_engine.refusal import QueryRefused, RefusalCode

SET_LIMIT = 32
"""The most grouping sets that a query may have."""

GROUPING_LIMIT = 12
"""The most columns and expressions that may be grouped by: of two categories each, they make 4,096 cells."""

Places = dict[Grouping, exp.Expr]
"""What is grouped by, each with the place where it is first named."""

_Set = tuple[Grouping, ...]


def read_group_by(
    select: exp.Select, selected: Sequence[Selected], scope: Scope
) -> tuple[Places, tuple[tuple[int, ...], ...]]:
    """What is grouped by, and the grouping sets as places in it. Raises `QueryRefused`."""
    group = select.args.get("group")
    if group is None:
        return {}, ()
    if {name for name, value in group.args.items() if value} != {"expressions"}:
        reason = "Name each column to group by: ALL is not part of the language."
        raise QueryRefused(RefusalCode.GROUPING_FORM, reason, scope.text.keyword("GROUP"))
    reader = _Reader(selected, scope)
    sets: list[_Set] = [()]
    for node in group.expressions:
        alternatives = reader.sets(node)
        sets = [tuple(dict.fromkeys(left + right)) for left in sets for right in alternatives]
        if len(sets) > SET_LIMIT:
            reason = f"GROUP BY makes {len(sets)} grouping sets and may make {SET_LIMIT}: leave out what is not needed."
            raise scope.refuse(RefusalCode.GROUPING_FORM, reason, node)
    if len(reader.places) > GROUPING_LIMIT:
        reason = f"The query groups by {len(reader.places)} columns and may group by {GROUPING_LIMIT}."
        raise scope.refuse(RefusalCode.GROUPING_FORM, reason, group)
    return reader.places, _numbered(sets, reader.places, scope, group)


def _numbered(sets: list[_Set], places: Places, scope: Scope, node: exp.Expr) -> tuple[tuple[int, ...], ...]:
    """The sets as places, the one with everything first. Raises `QueryRefused` where there is no such set."""
    order = list(places)
    numbered = list(dict.fromkeys(tuple(sorted(map(order.index, each))) for each in sets))
    everything = tuple(range(len(order)))
    if everything not in numbered:
        reason = (
            "One of the grouping sets must group by everything that the others do, so that totals can be protected."
        )
        raise scope.refuse(RefusalCode.GROUPING_FORM, reason, node)
    authority = ByColumn(scope.table.authority_column)
    if authority in places and any(order.index(authority) not in each for each in numbered):
        reason = f"No total over {scope.table.authority_column} is taken here: name it in every grouping set."
        raise scope.refuse(RefusalCode.AUTHORITY_COLUMN, reason, places[authority])
    numbered.remove(everything)
    return (everything, *numbered) if numbered else ()


class _Reader:
    """Reads what is grouped by, remembering where each was first named."""

    def __init__(self, selected: Sequence[Selected], scope: Scope) -> None:
        self._scope = scope
        self._selected = selected
        self._labels = {each.label.lower(): each.item.by for each in selected if isinstance(each.item, Grouped)}
        self.places: Places = {}

    def sets(self, node: exp.Expr) -> list[_Set]:
        """The alternatives that one element of GROUP BY offers."""
        if isinstance(node, exp.Rollup | exp.GroupingSets) and len(node.expressions) > SET_LIMIT:
            reason = f"This makes {len(node.expressions)} grouping sets or more, and there may be {SET_LIMIT}."
            raise self._scope.refuse(RefusalCode.GROUPING_FORM, reason, node)
        match node:
            case exp.Rollup():
                parts = [self._together(each) for each in node.expressions]
                return [_joined(parts[:length]) for length in range(len(parts), -1, -1)]
            case exp.Cube():
                parts = [self._together(each) for each in node.expressions]
                if 2 ** len(parts) > SET_LIMIT:
                    reason = f"A CUBE of {len(parts)} makes {2 ** len(parts)} grouping sets and may make {SET_LIMIT}."
                    raise self._scope.refuse(RefusalCode.GROUPING_FORM, reason, node)
                sizes = range(len(parts), -1, -1)
                return [_joined(each) for size in sizes for each in combinations(parts, size)]
            case exp.GroupingSets():
                return [self._together(each) for each in node.expressions]
            case _:
                return [self._together(node)]

    def _together(self, node: exp.Expr) -> _Set:
        if isinstance(node, exp.Tuple):
            return tuple(self._one(each) for each in node.expressions)
        return (self._one(node),)

    def _one(self, node: exp.Expr) -> Grouping:
        found = self._named(node)
        grouping = found if found is not None else read_grouping(node, self._scope)
        self.places.setdefault(grouping, node)
        return grouping

    def _named(self, node: exp.Expr) -> Grouping | None:
        """What a label or a place of the SELECT list stands for, where the node is one."""
        if isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit() and len(node.this) < 4:
            place = int(node.this) - 1
            chosen = self._selected[place].item if 0 <= place < len(self._selected) else None
            if isinstance(chosen, Grouped):
                return chosen.by
            reason = "This is not the place of a column to group by: count the SELECT list from 1, or name the column."
            raise self._scope.refuse(RefusalCode.GROUPING_FORM, reason, node)
        if isinstance(node, exp.Column) and not node.table and not self._scope.knows(node.name.lower()):
            return self._labels.get(node.name.lower())
        return None


def _joined(parts: Sequence[_Set]) -> _Set:
    return tuple(dict.fromkeys(grouping for part in parts for grouping in part))


def check_grouping(select: exp.Select, selected: Sequence[Selected], grouped: Places, scope: Scope) -> None:
    """Check that the plain columns are the grouped ones, and that something is counted. Raises `QueryRefused`."""
    shown: set[Grouping] = set()
    for node, each in zip(select.expressions, selected, strict=True):
        if isinstance(each.item, Grouped):
            shown.add(each.item.by)
            if each.item.by not in grouped:
                reason = "Add this column to GROUP BY, or put it inside an aggregate."
                raise scope.refuse(RefusalCode.UNGROUPED_COLUMN, reason, node)
    for grouping, node in grouped.items():
        if grouping not in shown | {ByColumn(scope.table.authority_column)}:
            reason = "Add this to the SELECT list, so that each row says what it counts."
            raise scope.refuse(RefusalCode.GROUP_NOT_SELECTED, reason, node)
    if all(isinstance(each.item, Grouped) for each in selected):
        reason = "The query lists categories and counts nothing: add COUNT(*), SUM or AVG."
        raise scope.refuse(RefusalCode.NOTHING_COUNTED, reason, select)


def check_model_alone(select: exp.Select, selected: Sequence[Selected], grouped: Places, scope: Scope) -> None:
    """Check that a model is asked for alone: its figures have cells of their own. Raises `QueryRefused`."""
    for node, each in zip(select.expressions, selected, strict=True):
        if isinstance(each.item, FitModel) and (len(selected) > 1 or grouped):
            reason = "A model stands alone in its query: ask for other figures apart, and for groups by terms or WHERE."
            raise scope.refuse(RefusalCode.MODEL_FORM, reason, node)
