"""The node's budget ledger: what each manifest took of each academic year that it touched, and what is left.

A debit is written in the transaction that reserves the question and logs its intent, before anything is run. It is one
for each manifest, whatever attempts are made at it, and it stays: a question that fails, or that nobody opens, is paid
for all the same. Nothing here changes or deletes a debit.
"""

import sqlite3
from datetime import datetime
from fractions import Fraction

from disclosure_control.budget.account import BudgetAccount, BudgetShort, Caps, Entry
from disclosure_control.budget.price import NOTHING, PrivacyLoss
from federation.budgets import limit_account, price_manifest
from federation.database import stamp
from node.approved import Approved
from node.refusal import Refused
from node.rules import SumRules


def list_caps(rules: SumRules) -> Caps:
    """This authority's own caps."""
    written = (rules.most_epsilon, rules.most_epsilon_per_year, rules.most_epsilon_per_project)
    return Caps(*map(Fraction, written))


def read_account(connection: sqlite3.Connection, rules: SumRules, besides: str = "") -> BudgetAccount:
    """The account as the ledger has it, without what the manifest of this digest took."""
    rows = connection.execute(
        "SELECT academic_year, project, epsilon, rho FROM privacy_losses WHERE digest != ?", (besides,)
    )
    taken: dict[Entry, PrivacyLoss] = {}
    for row in rows:
        entry = (row["academic_year"], row["project"])
        taken[entry] = taken.get(entry, NOTHING) + PrivacyLoss(Fraction(row["epsilon"]), Fraction(row["rho"]))
    return BudgetAccount(list_caps(rules), taken)


def check_budget(connection: sqlite3.Connection, approved: Approved, rules: SumRules) -> None:
    """Line 10: what the manifest costs is left, for its project, of each year that it touches. Raises `Refused`."""
    price = price_manifest(approved.manifest)
    if price is None:
        return
    try:
        account = limit_account(read_account(connection, rules, besides=approved.digest), approved.manifest.project)
        account.check_room(price, approved.manifest.project.name)
    except BudgetShort as short:
        raise Refused("epsilon_spent", str(short)) from None


def reserve_price(connection: sqlite3.Connection, approved: Approved, now: datetime) -> None:
    """Debit each academic year that the manifest touches, once and for good, in the caller's transaction."""
    manifest, price = approved.manifest, price_manifest(approved.manifest)
    if price is None:
        return
    loss = (manifest.project.name, str(price.loss.epsilon), str(price.loss.rho), stamp(now))
    connection.executemany(
        "INSERT INTO privacy_losses (digest, academic_year, project, epsilon, rho, reserved_at) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(approved.digest, year, *loss) for year in price.academic_years],
    )
