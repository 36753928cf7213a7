"""Budgets at the hub: what each node has stated, what was sent out since, and whether a price can be paid everywhere.

The hub refuses what a node would: whoever asks hears at once, and no authority pays for a question that another cannot
answer. What a node states is not the last word, though. It refuses by its own ledger, whatever the hub believes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from audit.connection import Connection
from disclosure_control.budget.account import BudgetAccount, BudgetShort
from disclosure_control.budget.price import Price, write_epsilon
from disclosure_control.noise.terms import NoiseRefused
from federation.budgets import (
    BUDGET_TYPE,
    BudgetStatement,
    StatementInvalid,
    limit_account,
    open_account,
    price_manifest,
    verify_statement,
)
from federation.database import stamp
from federation.envelope import EnvelopeError, read_envelope, write_envelope
from federation.exchange import BudgetLeft, QueryBudget, QueryState
from federation.manifest import MANIFEST_TYPE, Manifest, read_manifest
from federation.problems import ProblemRaised
from federation.project import Project
from federation.register import Member, MemberKind
from federation.standing_rosters import ENGLAND
from federation.wire import decode_document
from hub.naming import name_authorities
from hub.projects import find_project
from hub.query_states import UNDER_WAY
from hub.service import Hub
from hub.sums.rosters import standing_members
from query_engine.catalogue import load_catalogue
from query_engine.refusal import QueryRefused

STATEMENTS_AT_HAND = 1024
"""How many statements are kept as they were read."""


@dataclass(frozen=True)
class SentOut:
    """A manifest that the hub has sent out, or is about to: which nodes it debits, of what and when."""

    digest: str
    manifest: Manifest
    reserved_at: str
    is_under_way: bool

    def counts_beside(self, statement: BudgetStatement) -> bool:
        """Whether a node that stated this is yet to debit the manifest, or may be."""
        if self.digest in statement.counted or statement.node not in self.manifest.roster:
            return False
        return self.is_under_way or self.reserved_at >= stamp(statement.stated_at)


@dataclass(frozen=True)
class _Stated:
    """What a node stated, and the account that it tells of."""

    statement: BudgetStatement
    account: BudgetAccount


def keep_statement(hub: Hub, node: Member, data: bytes) -> None:
    """Keep what a node states of its budget in the place of what it stated before. Raises a 400 problem."""
    try:
        envelope = read_envelope(data, BUDGET_TYPE)
        statement = verify_statement(envelope, node, hub.clock())
    except (EnvelopeError, StatementInvalid) as error:
        raise ProblemRaised(400, "budget_malformed", str(error)) from None
    with hub.database.transaction() as connection:
        connection.execute("DELETE FROM budget_statements WHERE node = ?", (node.id,))
        row = (node.id, stamp(statement.stated_at), write_envelope(envelope))
        connection.execute("INSERT INTO budget_statements (node, stated_at, envelope) VALUES (?, ?, ?)", row)


def check_budget(hub: Hub, manifest: Manifest, digest: str = "") -> None:
    """Check that every node of a roster has as much left as a manifest costs. Raises a 409 problem that says who not.

    `digest` is of the manifest itself, where it may have been sent out already.
    """
    price = price_manifest(manifest)
    if price is None:
        return
    short = describe_short(hub, manifest, price, read_accounts(hub, manifest.roster, besides=digest))
    if short:
        raise ProblemRaised(409, "budget_short", short)


def reserve_budget(hub: Hub, connection: Connection, manifest: Manifest, digest: str) -> None:
    """Note, inside the caller's transaction, that a manifest is sent out; check first that it can be paid for.

    Raises a 409 problem.
    """
    if manifest.sum is None or not manifest.sum.epsilon:
        return
    check_budget(hub, manifest, digest)
    row = (digest, stamp(hub.clock()))
    connection.execute("INSERT INTO budget_reservations VALUES (?, ?) ON CONFLICT DO NOTHING", row)


def read_accounts(hub: Hub, nodes: Iterable[str], besides: str = "") -> Mapping[str, BudgetAccount | None]:
    """The account of each node: as it stated it, less what was sent out to it since; None for one that stated nothing.

    The manifest of the digest `besides` is left out.
    """
    stated = {row["node"]: row for row in hub.database.connection.execute("SELECT * FROM budget_statements")}
    known = {node: _read_stated(bytes(stated[node]["envelope"])) if node in stated else None for node in nodes}
    oldest = min((each.statement.stated_at for each in known.values() if each), default=None)
    if oldest is None:
        return dict.fromkeys(known)
    sent = [each for each in _sent_out(hub, stamp(oldest)) if each.digest != besides]
    return {node: _debit_sent(each, sent) if each else None for node, each in known.items()}


@lru_cache(maxsize=STATEMENTS_AT_HAND)
def _read_stated(data: bytes) -> _Stated:
    """A statement that was verified when it came in, and its account; read once, as every look at a query needs all."""
    statement = decode_document(read_envelope(data, BUDGET_TYPE).body, BudgetStatement)
    return _Stated(statement, open_account(statement))


def _sent_out(hub: Hub, since: str) -> Iterator[SentOut]:
    rows = hub.database.connection.execute(
        "SELECT budget_reservations.digest, reserved_at, state, envelope FROM budget_reservations "
        "JOIN queries ON queries.digest = budget_reservations.digest WHERE state IN (?, ?) OR reserved_at >= ?",
        (*UNDER_WAY, since),
    )
    for row in rows:
        manifest = read_manifest(read_envelope(row["envelope"], MANIFEST_TYPE))
        yield SentOut(row["digest"], manifest, row["reserved_at"], row["state"] in UNDER_WAY)


def _debit_sent(stated: _Stated, sent: Sequence[SentOut]) -> BudgetAccount:
    account = stated.account
    for each in sent:
        price = _price_of_sent(each.manifest)
        if price is not None and each.counts_beside(stated.statement):
            account = account.take(price, each.manifest.project.name)
    return account


def _price_of_sent(manifest: Manifest) -> Price | None:
    """The price of what was sent out; None where the catalogue of today plans it no more, and no node answers it."""
    try:
        return price_manifest(manifest)
    except (QueryRefused, NoiseRefused):
        return None


def describe_short(hub: Hub, manifest: Manifest, price: Price, accounts: Mapping[str, BudgetAccount | None]) -> str:
    """Say which authorities have too little left, and of what; empty where all have enough."""
    found: dict[str, list[str]] = {}
    for node, account in accounts.items():
        reason = _find_reason(account, price, manifest.project)
        if reason:
            found.setdefault(reason, []).append(node)
    if not found:
        return ""
    authorities = {member.id: member.authority(manifest.issued_at) or member.id for member in hub.register().members}
    short_at = {reason: [authorities.get(node, node) for node in nodes] for reason, nodes in found.items()}
    told = (f"{reason}, at {name_authorities(short)}" for reason, short in short_at.items())
    return f"{'; '.join(told)}: ask at a smaller epsilon, or of others; what was spent does not come back"


def _find_reason(account: BudgetAccount | None, price: Price, project: Project) -> str:
    if account is None:
        return "no budget has been stated"
    try:
        limit_account(account, project).check_room(price, project.name)
    except BudgetShort as short:
        return str(short)
    return ""


def describe_budget(hub: Hub, manifest: Manifest, state: QueryState, digest: str) -> QueryBudget | None:
    """What a query costs, and what is left before and after it; None where it adds no noise."""
    try:
        price = price_manifest(manifest)
    except (QueryRefused, NoiseRefused):
        return None
    if price is None:
        return None
    accounts = read_accounts(hub, manifest.roster)
    is_sent = _is_sent(hub, digest)
    left = min(_left(each, price, manifest.project) for each in accounts.values())
    waits = state in (QueryState.DRAFTED, QueryState.SUBMITTED)
    return QueryBudget(
        epsilon=write_epsilon(price.loss.epsilon),
        rho=f"{float(price.loss.rho):.4g}",
        left=write_epsilon(left),
        left_after=write_epsilon(left if is_sent else max(Fraction(0), left - price.loss.epsilon)),
        short=describe_short(hub, manifest, price, accounts) if waits else "",
    )


def _is_sent(hub: Hub, digest: str) -> bool:
    found = hub.database.connection.execute("SELECT 1 FROM budget_reservations WHERE digest = ?", (digest,))
    return found.fetchone() is not None


def _left(account: BudgetAccount | None, price: Price, project: Project) -> Fraction:
    if account is None:
        return Fraction(0)
    return min(limit_account(account, project).left(year, project.name) for year in price.academic_years)


def find_budget(hub: Hub, project: str, academic_year: str, reader: Member) -> BudgetLeft:
    """Return what a member's project has left for a noised sum over everybody. Raises a 404 problem."""
    found = find_project(hub, project, reader.id)
    years = load_catalogue().table("child_year").columns["academic_year"].domain or ()
    if academic_year not in map(str, years):
        raise ProblemRaised(404, "year_unknown", f"there is no such academic year, but {', '.join(map(str, years))}")
    return find_left(hub, found, academic_year, _expect_everybody(hub))


def _expect_everybody(hub: Hub) -> tuple[str, ...]:
    """Return whom a noised sum over everybody would be asked of: until that is known, every active node."""
    try:
        return standing_members(hub, ENGLAND, hub.clock())
    except ProblemRaised:
        return tuple(member.id for member in hub.register().active(MemberKind.NODE, hub.clock()))


def find_left(hub: Hub, project: Project, academic_year: str, nodes: Sequence[str]) -> BudgetLeft:
    """What a project's next question about a year may cost, at whichever of these nodes has the least left."""
    accounts = read_accounts(hub, nodes)
    known = [limit_account(account, project) for account in accounts.values() if account is not None]
    left = min((account.left(int(academic_year), project.name) for account in known), default=Fraction(0))
    return BudgetLeft(
        project=project.name,
        academic_year=academic_year,
        left=write_epsilon(left),
        most_per_question=write_epsilon(min((account.caps.question for account in known), default=Fraction(0))),
        unstated=tuple(sorted(node for node, account in accounts.items() if account is None)),
    )
