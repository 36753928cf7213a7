"""What this authority allows a sum, and what is left of it: terms, paths, runs of templates, privacy loss.

It decides on the manifest, the plan, the rules and the history of manifests: never on data.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import floor

from audit.connection import Connection
from disclosure_control.noise.terms import NoiseRefused
from disclosure_control.presets.preset import Preset
from disclosure_control.release.gate import ReleaseRefused
from disclosure_control.release.totals import check_total_preset
from federation.budgets import price_question
from federation.manifest import Manifest, Path
from federation.plans import derive_plan
from federation.register import Member
from federation.sum_terms import TermsInvalid, check_operators
from node.approved import Approved
from node.budget import check_budget, reserve_price
from node.refusal import Refused
from node.rules import SumRules
from query_engine.planning.paths import CONFLICTING, check_reach, measure_keys
from query_engine.refusal import QueryRefused


def check_terms(manifest: Manifest, members: Sequence[Member], rules: SumRules, preset: Preset) -> None:
    """Line 9, for a sum: a preset that rounds an exact one; tolerance and noise of a noisy one. Raises `Refused`."""
    terms, nodes = manifest.sum, len(manifest.roster)
    if manifest.path is Path.EXACT_SUM:
        _check_rounded(preset)
    if terms is None or not terms.epsilon:
        return
    most, least = floor(Fraction(rules.most_dropouts) * nodes), floor(Fraction(rules.least_colluders) * nodes)
    if terms.dropouts > most:
        raise Refused("tolerance", f"{terms.dropouts} nodes may be missing, and this authority allows {most}")
    if terms.colluders < least:
        raise Refused("tolerance", f"{terms.colluders} nodes may collude, and this authority asks for {least}")
    if terms.mechanism not in rules.noise:
        allowed = " or ".join(rules.noise)
        raise Refused("mechanism", f"the noise is of {terms.mechanism} shares, and this authority allows {allowed}")
    if Decimal(terms.epsilon) > Decimal(rules.most_epsilon):
        raise Refused("epsilon", f"epsilon is {terms.epsilon}, and this authority allows {rules.most_epsilon}")
    try:
        check_operators(terms, (member.operator for member in members))
        price_question(manifest.sql, manifest.path, terms.epsilon, terms.mechanism)
    except TermsInvalid as invalid:
        raise Refused("tolerance", str(invalid)) from None
    except NoiseRefused as refused:
        raise Refused("noise_refused", str(refused)) from None


def _check_rounded(preset: Preset) -> None:
    try:
        check_total_preset(preset)
    except ReleaseRefused as error:
        raise Refused("preset_barred", str(error)) from None


@lru_cache(maxsize=256)
def find_measures(sql: str, path: Path) -> frozenset[str]:
    """The keys of what a question measures, worked out once for all."""
    return measure_keys(derive_plan(sql, path))


def check_paths_taken(connection: sqlite3.Connection, manifest: Manifest) -> None:
    """Line 10: one measure and population of a year takes one path, or paths that go together. Raises `Refused`.

    The snapshot plays no part: what two snapshots say of one year differs by little, and subtracts as well.
    """
    check_path(connection, manifest.sql, manifest.path)


def check_path(connection: Connection, sql: str, path: Path) -> None:
    """Check that nothing that a question measures has taken a path which does not go with its own. Raises `Refused`."""
    measures, others = sorted(find_measures(sql, path)), sorted(CONFLICTING[path.value])
    marks, paths = ", ".join("?" * len(measures)), ", ".join("?" * len(others))
    found = connection.execute(
        f"SELECT path FROM paths_taken WHERE measure IN ({marks}) AND path IN ({paths}) LIMIT 1",  # noqa: S608 - marks
        (*measures, *others),
    ).fetchone()
    if found is not None:
        raise Refused("path_changed", f"what this measures has been answered by {found['path']} before")


def take_path(connection: sqlite3.Connection, sql: str, path: Path, digest: str) -> None:
    """Note, in the caller's transaction, which path a question took."""
    rows = [(measure, path.value, digest) for measure in find_measures(sql, path)]
    connection.executemany("INSERT OR IGNORE INTO paths_taken VALUES (?, ?, ?)", rows)


def check_allowances(connection: sqlite3.Connection, approved: Approved, rules: SumRules) -> None:
    """Line 10: the template has runs left, and the budget has room for the price. Raises `Refused`."""
    manifest, template = approved.manifest, approved.template
    if template is not None:
        (runs,) = connection.execute(
            "SELECT count(*) FROM sums_asked WHERE template = ? AND digest != ?", (manifest.template, approved.digest)
        ).fetchone()
        if runs >= template.most_runs:
            raise Refused("runs_used", f"the template has been run {runs} times, which is as often as was approved")
    check_budget(connection, approved, rules)


def record_question(connection: sqlite3.Connection, approved: Approved, now: datetime) -> None:
    """Note, in the caller's transaction, which path a question took, and debit what it costs."""
    manifest = approved.manifest
    reserve_price(connection, approved, now)
    take_path(connection, manifest.sql, manifest.path, approved.digest)
    if manifest.sum is not None:
        row = (approved.digest, manifest.template, manifest.academic_year, manifest.sum.epsilon)
        connection.execute("INSERT OR IGNORE INTO sums_asked VALUES (?, ?, ?, ?)", row)


def check_reach_of_roster(manifest: Manifest, members: Iterable[Member], rules: SumRules) -> None:
    """Line 12: enough operators of the roster can reach each cell of an exact sum. Raises `Refused`."""
    if manifest.path is not Path.EXACT_SUM:
        return
    operators = frozenset((member.authority(manifest.issued_at), member.operator) for member in members)
    try:
        _check_reach(manifest.sql, manifest.path, operators, rules.fewest_reaching)
    except QueryRefused as refused:
        raise Refused(refused.code, refused.text) from None


@lru_cache(maxsize=256)
def _check_reach(sql: str, path: Path, operators: frozenset[tuple[str, str]], fewest: int) -> None:
    check_reach(derive_plan(sql, path), dict(operators), fewest)
