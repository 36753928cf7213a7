"""A row filter as SQL: which rows an engine gives back, and which columns of each, in one query.

A decision is asked for once for each relation, not once for each child (`policies.row_filter`). What it permits becomes
the conditions below; every value in them is a parameter, and every other part is written in this file or by its caller
in code.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from policies.names import BY_AREA, CareStatus, FieldGroup, Relation
from policies.row_filter import RowFilter

__all__ = ["FilteredRows", "RowFacts", "filter_rows"]

Parameters = dict[str, object]


@dataclass(frozen=True)
class RowFacts:
    """The SQL expressions that tell of a row what relations are decided by; never anything that a person sent."""

    home: str
    host: str
    school: str
    child: str
    care_status: str


@dataclass(frozen=True)
class FilteredRows:
    """What a query needs: its columns, its condition, and the values of both."""

    columns: str
    condition: str
    parameters: Parameters


def filter_rows(rows: RowFilter, facts: RowFacts, fields: Mapping[str, tuple[FieldGroup, str]]) -> FilteredRows:
    """Return columns and condition that give the permitted fields of the permitted rows.

    `fields` maps each name to the group that the access matrix knows it by and to its SQL expression. A field is NULL
    in a row where the relations that hold for it do not permit its group.
    """
    tests, gate = _tests(rows, facts)
    columns = ", ".join(f"{_permitted(rows, tests, *field)} AS {name}" for name, field in fields.items())
    return FilteredRows(columns, f"{gate}{_any(tests)}", _parameters(rows))


def _tests(rows: RowFilter, facts: RowFacts) -> tuple[Mapping[Relation, str], str]:
    """The condition of each relation, and one that every row has to meet before.

    Where all relations are to children of one status, that is asked of a row once.
    """
    tests = {relation: _test(relation, facts) for relation in rows.clauses}
    in_status = {
        relation: f"{facts.care_status} = '{BY_AREA.get(relation, CareStatus.LOOKED_AFTER)}'" for relation in tests
    }
    if len(set(in_status.values())) == 1:
        return tests, f"{next(iter(in_status.values()))} AND "
    return {relation: f"({test} AND {in_status[relation]})" for relation, test in tests.items()}, ""


def _any(tests: Mapping[Relation, str]) -> str:
    """The condition that some relation holds for a row.

    One by itself goes down to where the file is read. Of several the engine looks at no further one of a row that has
    passed: a disjunction, for which DuckDB looks at every column of every row, takes twice as long.
    """
    if len(tests) == 1:
        return next(iter(tests.values()))
    cases = " ".join(f"WHEN {test} THEN true" for test in tests.values())
    return f"(CASE {cases} ELSE false END)"


def _permitted(rows: RowFilter, tests: Mapping[Relation, str], group: FieldGroup, expression: str) -> str:
    """One field, where some relation permits its group: always, by whatever lets the row through, or never."""
    permitting = [test for relation, test in tests.items() if group in rows.clauses[relation]]
    if not permitting:
        return "NULL"
    if len(permitting) == len(tests):
        return expression
    return f"CASE WHEN {' OR '.join(permitting)} THEN {expression} END"


def _test(relation: Relation, facts: RowFacts) -> str:
    """The condition under which one relation holds for a row of a child who has the status that it is about.

    Where a fact is not known of a row it is NULL, which neither lets a row through nor shows a field of it.
    """
    here = f"{facts.host} = $authority"
    tests = {
        Relation.HOME: f"{facts.home} = $authority",
        Relation.HOST: f"{here} AND {facts.home} <> $authority",
        Relation.SCHOOL: f"{facts.school} = $school",
        Relation.NAMED_CHILD: f"list_contains($named, {facts.child})",
        **dict.fromkeys(BY_AREA, here),
    }
    return f"({tests[relation]})"


def _parameters(rows: RowFilter) -> Parameters:
    """The values that the conditions name, and no other: an engine refuses one that it does not need."""
    needed: Parameters = {}
    if set(rows.clauses) - {Relation.SCHOOL, Relation.NAMED_CHILD}:
        needed["authority"] = rows.authority
    if Relation.SCHOOL in rows.clauses:
        needed["school"] = rows.school_urn
    if Relation.NAMED_CHILD in rows.clauses:
        needed["named"] = sorted(rows.named_children)
    return needed
