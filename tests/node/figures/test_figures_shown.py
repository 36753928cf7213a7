"""Figures shown to our own people: to whom, in what log, and beside everything that was shown or has left."""

from typing import Any

import duckdb
import pytest

from audit.event import Action, AuditEvent, Outcome
from audit.log import read_entries
from disclosure_control.presets.shipped import load_preset
from disclosure_control.symbols import Symbol
from federation.manifest import Outcome as ReplyOutcome
from federation.manifest import Path
from federation.plans import derive_plan
from federation.preset_terms import state_preset
from federation.state import StateError
from node.answering import answer_manifest
from node.earlier_rows import Question
from node.figures.declared import load_declared, write_sql
from node.figures.showing import Shown, Wish, show_figure
from node.lookups.purpose import PurposeMissing
from node.refusal import Refused
from node.service import Node
from node.setting_up import enter_person
from node.sums.allowances import check_path, take_path
from policies.access_policy import MATRIX, AccessDenied
from tests.node.figures.conftest import AUTHORITY, Ask, list_schools
from tests.node.test_other_snapshots import publish_without
from tests.own_policies import put_policy
from tests.small_federation import SmallFederation, read_reply

EXACT = {
    'presets = ["opensafely"]\n\n# Nothing': 'presets = ["opensafely", "ukllc"]\n\n# Nothing',
    '"ofqual"\n': '""\n',
}
"""Rules under which counts are printed as they are: what two of them tell together is easily seen."""

COUNTED = (
    "SELECT COUNT(*) AS n FROM child_year WHERE academic_year = 202425 AND population = 'looked_after' "
    "AND counted_here AND in_care_12_months"
)


def logged(node: Node) -> list[AuditEvent]:
    entries = read_entries(node.database.connection, action=Action.FIGURES_SHOWN)
    return [entry.to_event() for entry in entries][::-1]


def count_all(shown: Shown) -> object:
    """The count of everybody in a table."""
    return next(row[-1] for row in shown.table.rows if row[:-1] == ("Total",) * (len(row) - 1))


def allow_exact(federation: SmallFederation) -> None:
    for old, new in EXACT.items():
        federation.change_rule(AUTHORITY, old, new)
    federation.change_rule(AUTHORITY, 'shown = true\npreset = "opensafely"', 'shown = true\npreset = "ukllc"')


def answer(federation: SmallFederation, node: Node, sql: str, preset: str = "ukllc") -> object:
    """The first figure of what the node answers to a query, or the code of its refusal."""
    manifest = federation.manifest(sql, **state_preset(load_preset(preset)))
    data = answer_manifest(node, federation.sign(manifest))
    assert data is not None
    reply = read_reply(data)
    return reply.code if reply.outcome is not ReplyOutcome.ANSWERED else reply.table["rows"][0][-1]  # type: ignore[index]


def read_exactly(node: Node, sql: str) -> list[tuple[Any, ...]]:
    """Rows of the snapshot's files, for the test alone: `year` has whom figures count, and their school."""
    snapshot = node.store.current()
    assert snapshot is not None
    children, year = snapshot.identified["children"], snapshot.tables["child_year"]
    view = f"""CREATE VIEW year AS
        SELECT year.*, school_urn FROM '{year}' AS year
        LEFT JOIN (SELECT child, academic_year, school_urn FROM '{children}') USING (child, academic_year)
        WHERE academic_year = 202425 AND population = 'looked_after' AND counted_here AND in_care_12_months"""
    with duckdb.connect(":memory:") as connection:
        connection.execute(view)
        return connection.execute(sql).fetchall()


def count_exactly(node: Node, condition: str) -> int:
    """How many of the children whom figures count meet a condition."""
    ((found,),) = read_exactly(node, f"SELECT count(*) FROM year WHERE {condition}")
    return int(found)


def find_few(node: Node) -> str:
    """A condition that leaves out few of the children whom figures count."""
    ages = (f"NOT age = {age}" for age in range(19))
    everybody = count_exactly(node, "true")
    return next(each for each in ages if 0 < everybody - count_exactly(node, each) < 6)


@pytest.mark.parametrize(
    ("person", "whose", "shown"),
    [
        ("vsh", "authority", True),
        ("director", "authority", True),
        ("region", "authority", True),
        ("teacher", "authority", True),
        ("trust", "authority", False),
        ("admin", "authority", False),
        ("director", "first", True),
        ("region", "first", True),
        ("teacher", "first", True),
        ("trust", "first", True),
        ("trust", "own", True),
        ("teacher", "last", False),
        ("trust", "last", False),
        ("admin", "first", False),
    ],
)
def test_who_sees_figures_of_whom(node: Node, ask: Ask, person: str, whose: str, shown: bool) -> None:
    """The design's matrix: directors at both levels, teachers and trusts their own schools, teachers the authority."""
    schools = [str(urn) for urn, _ in list_schools(node)]
    asked = {"first": schools[0], "last": schools[-1]}.get(whose, whose)
    if shown:
        ask(person, whose=asked)
        assert [event.outcome for event in logged(node)] == [Outcome.INTENDED, Outcome.DONE]
        return
    with pytest.raises(AccessDenied):
        ask(person, whose=asked)
    assert [event.outcome for event in logged(node)] == [Outcome.REFUSED]


def test_the_policy_can_take_figures_of_schools_away(node: Node, ask: Ask) -> None:
    role = "director_of_childrens_services"
    denied = f"p, {role}, home, aggregate, school_aggregates, deny\n"
    put_policy(node.party.directory, MATRIX.read_text() + denied)
    ask("director")
    with pytest.raises(AccessDenied):
        ask("director", whose=str(list_schools(node)[0][0]))


def test_the_log_has_who_why_and_how_many_cells_and_no_figure(node: Node, ask: Ask) -> None:
    shown = ask("director", by="sex")
    intended, done = logged(node)
    assert (done.actor, done.purpose) == ("director (director_of_childrens_services)", "Annual report")
    assert done.relationship == "home"
    assert not done.subject
    assert dict(done.details) == {
        **intended.details,
        "snapshot": shown.snapshot,
        "preset": "opensafely",
        "cells": len(shown.table.rows),
        "withheld": shown.withheld,
    }
    assert dict(intended.details) == {"figure": "placements", "by": "sex", "academic_year": 202425, "schools": 0}


@pytest.mark.parametrize("purpose", ["", "  ", "About A801200005001"])
def test_a_purpose_is_stated_that_the_log_may_keep(node: Node, purpose: str) -> None:
    with pytest.raises(PurposeMissing):
        show_figure(node, node.find_person("director"), purpose, Wish("absence", "", 202425, "authority"))
    assert logged(node) == []


def test_who_asks_again_is_shown_the_same(node: Node, ask: Ask) -> None:
    first = ask("director", by="sex")
    ask("vsh", by="key_stage")
    assert ask("region", by="sex").table == first.table
    kept = node.database.connection.execute("SELECT count(*) FROM figures_shown").fetchone()
    assert tuple(kept) == (2,)


def test_a_figure_that_a_query_asks_for_again_is_the_same_table(
    federation: SmallFederation, node: Node, ask: Ask
) -> None:
    """Two suppressions of one table would tell more than either."""
    sql = write_sql(load_declared().find_measure("placements"), load_declared().find_breakdown("sex"), 202425)
    data = answer_manifest(node, federation.sign(federation.manifest(sql)))
    assert data is not None
    reply = read_reply(data)
    assert ask("director", by="sex").table.to_wire() == reply.table


def test_a_query_that_differs_from_a_figure_by_few_children_is_withheld(
    federation: SmallFederation, node: Node, ask: Ask
) -> None:
    """What a director saw, a query cannot be set against; nor, the other way round, a figure against a query."""
    allow_exact(federation)
    condition = find_few(node)
    assert isinstance(count_all(ask("director")), int)
    assert answer(federation, node, f"{COUNTED} AND {condition}") == Symbol.CONFIDENTIAL


def test_such_a_query_is_answered_where_no_figure_was_shown(federation: SmallFederation, node: Node, ask: Ask) -> None:
    allow_exact(federation)
    condition = find_few(node)
    assert answer(federation, node, f"{COUNTED} AND {condition}") == count_exactly(node, condition)
    assert count_all(ask("director")) == Symbol.CONFIDENTIAL


def sort_schools(node: Node) -> dict[int, int]:
    """The schools of the children whom figures count, those with the fewest first, and how many each has."""
    rows = read_exactly(node, "SELECT school_urn, count(*) FROM year GROUP BY ALL ORDER BY count(*), school_urn")
    return {int(urn): int(count) for urn, count in rows if urn is not None}


def test_schools_are_not_shown_where_few_children_are_at_no_other(
    federation: SmallFederation, node: Node, ask: Ask
) -> None:
    """Two trusts that differ by one small school, under a preset that prints counts as they are: whoever is second is
    withheld, since the difference is that school's children."""
    allow_exact(federation)
    schools = sort_schools(node)
    smallest, few = next(iter(schools.items()))
    assert few < 10
    trusts = {"most": [urn for urn in schools if urn != smallest], "all": list(schools)}
    for name, urns in trusts.items():
        enter_person(node.party.directory, name, "academy_trust", name.title(), schools=urns)
    inside = sum(schools.values()) - few
    assert count_exactly(node, "true") - inside >= 10
    assert count_all(ask("most", whose="own")) == inside
    assert {row[-1] for row in ask("all", whose="own").table.rows} == {Symbol.CONFIDENTIAL}


def test_figures_of_schools_are_neighbours_of_what_leaves_later(
    federation: SmallFederation, node: Node, ask: Ask
) -> None:
    shown = ask("trust", whose="own")
    assert isinstance(count_all(shown), int)
    question = Question(derive_plan(COUNTED, Path.PER_AUTHORITY), "202425", shown.snapshot, load_preset("opensafely"))
    beside = node.earlier.find_neighbours(node.database.connection, question, b"")
    (group,) = beside.further
    trust = {str(urn) for urn in shown.asked.scope.schools}
    assert {frozenset(each.roster) for each in group} == {frozenset(trust), frozenset({"", *trust})}
    assert set(beside.roster) == {"", *trust}


def test_a_small_school_has_everything_withheld(node: Node, ask: Ask) -> None:
    urn = next(urn for urn, count in list_schools(node) if count < 8)
    shown = ask("director", whose=str(urn))
    assert {row[-1] for row in shown.table.rows} == {Symbol.CONFIDENTIAL}


def test_a_school_where_nobody_is_looks_like_any_small_one(node: Node, ask: Ask) -> None:
    small = next(urn for urn, count in list_schools(node) if count < 8)
    assert ask("director", whose="999999").table == ask("director", whose=str(small)).table


@pytest.mark.parametrize(
    "whose", ["own", "12345", "1234567", "abcdef", "", "100001 100002", "\uff11\uff10\uff10\uff10\uff10\uff11"]
)
def test_what_is_no_school_is_refused(ask: Ask, whose: str) -> None:
    with pytest.raises(StateError, match="six digits"):
        ask("director", whose=whose)


def test_figures_of_schools_are_not_split(node: Node, ask: Ask) -> None:
    with pytest.raises(StateError, match="not split"):
        ask("director", by="sex", whose=str(list_schools(node)[0][0]))


# --- Rules, presets and paths ----------------------------------------------------------------------------------------


def test_an_authority_can_show_no_figures(federation: SmallFederation, node: Node, ask: Ask) -> None:
    federation.change_rule(AUTHORITY, "shown = true", "shown = false")
    with pytest.raises(Refused, match="shows no figures"):
        ask("director")
    assert [event.outcome for event in logged(node)] == [Outcome.INTENDED, Outcome.REFUSED]


def test_one_preset_serves_for_pages_and_for_what_leaves(federation: SmallFederation, node: Node, ask: Ask) -> None:
    for old, new in EXACT.items():
        federation.change_rule(AUTHORITY, old, new)
    ask("director")
    assert answer(federation, node, f"{COUNTED} AND age > 9") == "protection_changed"


def test_pages_take_the_preset_under_which_the_years_rows_have_left(
    federation: SmallFederation, node: Node, ask: Ask
) -> None:
    for old, new in EXACT.items():
        federation.change_rule(AUTHORITY, old, new)
    answer(federation, node, f"{COUNTED} AND age > 9")
    assert ask("director").preset.name == "ukllc"


def test_a_year_that_is_not_loaded_has_no_figures(ask: Ask) -> None:
    with pytest.raises(Refused, match="covers that academic year"):
        ask("director", year=201415)


@pytest.mark.parametrize("person", ["director", "region", "teacher", "vsh"])
def test_what_has_left_by_an_exact_sum_is_shown_to_nobody(node: Node, ask: Ask, person: str) -> None:
    """One measure takes one path, for everybody: an exact total less the rows of its authorities, of which each could
    hand on its own, is what those rows withhold."""
    sql = write_sql(load_declared().find_measure("placements"), None, 202425)
    with node.database.transaction() as connection:
        take_path(connection, sql, Path.EXACT_SUM, "digest")
    with pytest.raises(Refused, match="exact_sum before"):
        ask(person)


@pytest.mark.parametrize("person", ["director", "region", "trust"])
def test_what_anybody_was_shown_is_answered_by_no_exact_sum(node: Node, ask: Ask, person: str) -> None:
    connection, sql = node.database.connection, write_sql(load_declared().find_measure("placements"), None, 202425)
    check_path(connection, sql, Path.EXACT_SUM)
    ask(person, whose="own" if person == "trust" else "authority")
    check_path(connection, sql, Path.NOISY_SUM)
    with pytest.raises(Refused, match="per_authority before"):
        check_path(connection, sql, Path.EXACT_SUM)


def test_a_year_that_is_kept_for_exact_sums_has_no_figures(federation: SmallFederation, ask: Ask) -> None:
    federation.change_rule(AUTHORITY, "exact_sum_years = []", "exact_sum_years = [202324]")
    ask("director")
    federation.change_rule(AUTHORITY, "exact_sum_years = [202324]", "exact_sum_years = [202425]")
    with pytest.raises(Refused, match="keeps that academic year"):
        ask("director")


# --- Terms -----------------------------------------------------------------------------------------------------------


def test_terms_of_figures_count_as_those_of_queries_do(federation: SmallFederation, node: Node, ask: Ask) -> None:
    federation.change_rule(AUTHORITY, "terms_per_year = 3", "terms_per_year = 1")
    shown = ask("director")
    publish_without(node, 1, "202526-autumn")
    manifest = federation.manifest(f"{COUNTED} AND age > 9", snapshot_term="202526-autumn")
    data = answer_manifest(node, federation.sign(manifest))
    assert data is not None
    assert read_reply(data).code == "terms_used"
    assert ask("vsh", by="sex").snapshot == shown.snapshot


def test_figures_leave_of_as_many_terms_as_queries_may(federation: SmallFederation, node: Node, ask: Ask) -> None:
    federation.change_rule(AUTHORITY, "terms_per_year = 3", "terms_per_year = 1")
    manifest = federation.manifest(f"{COUNTED} AND age > 9")
    data = answer_manifest(node, federation.sign(manifest))
    assert data is not None
    publish_without(node, 1, "202526-autumn")
    assert ask("director").snapshot == read_reply(data).snapshot
    federation.change_rule(AUTHORITY, "terms_per_year = 1", "terms_per_year = 2")
    assert ask("director").snapshot.startswith("202526-autumn")
