"""What a question costs of a privacy budget, and what is left of it, as a node states and signs it for the hub to show.

A statement lists what was taken of each academic year by each project, and the caps; nothing of any child is in it, for
what questions cost depends on them alone. The hub holds a price against every statement before it sends a question out.
It is a courtesy to whoever asks: each node refuses by its own ledger, whatever was stated.
"""

from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from typing import Annotated

import msgspec

from disclosure_control.budget.account import BudgetAccount, Caps, Entry
from disclosure_control.budget.price import NOTHING, Price, PrivacyLoss, price_plan, write_epsilon
from disclosure_control.noise.terms import Mechanism
from federation.envelope import Envelope, EnvelopeError, Signer, check_payload_type, seal_envelope, verify_signature
from federation.manifest import Manifest, Path
from federation.plans import derive_plan
from federation.project import Project
from federation.register import CLOCK_SKEW, Member
from federation.wire import AcademicYear, Digest, Document, Instant, Name, WireError, decode_document, encode_document

BUDGET_TYPE = "application/vnd.circe.budget+json"

COUNTED = 64
"""How many of the newest manifests a statement names: the hub counts those that it sent out since, and no others."""

Amount = Annotated[str, msgspec.Meta(pattern=r"^(0|[1-9][0-9]{0,9})(\.[0-9]{0,5}[1-9])?\Z")]
"""An epsilon, or a sum of them, as decimal text in its one spelling."""


def price_manifest(manifest: Manifest) -> Price | None:
    """What a manifest costs; None where it adds no noise, and so promises nothing that could be counted.

    Raises `QueryRefused` and `NoiseRefused`.
    """
    if manifest.sum is None or not manifest.sum.epsilon:
        return None
    return price_question(manifest.sql, manifest.path, manifest.sum.epsilon, manifest.sum.mechanism)


def limit_account(account: BudgetAccount, project: Project) -> BudgetAccount:
    """An authority's account as a project may draw on it: to no more than was agreed for the project."""
    return account.within(Fraction(project.most_epsilon_per_year or "0"))


@lru_cache(maxsize=256)
def price_question(sql: str, path: Path, epsilon: str, mechanism: Mechanism = "polya") -> Price:
    """What a question costs, worked out once for all. Raises `QueryRefused` and `NoiseRefused`."""
    return price_plan(derive_plan(sql, path), epsilon, mechanism)


class StatementInvalid(Exception):
    """A statement of a budget is malformed, another's, or from the future."""


class TakenByProject(Document, frozen=True):
    """How much epsilon the questions of one project about one academic year have cost."""

    academic_year: AcademicYear
    project: Name
    epsilon: Amount


class BudgetStatement(Document, frozen=True):
    """One authority's caps, and what was taken; `counted` are the newest manifests in it, by digest."""

    node: Name
    stated_at: Instant
    most_per_question: Amount
    most_per_year: Amount
    most_per_project: Amount
    taken: tuple[TakenByProject, ...]
    counted: tuple[Digest, ...]


def state_budget(node: str, account: BudgetAccount, counted: Iterable[str], now: datetime) -> BudgetStatement:
    """The statement of an account as it stands."""
    caps = account.caps
    return BudgetStatement(
        node=node,
        stated_at=now,
        most_per_question=write_epsilon(caps.question),
        most_per_year=write_epsilon(caps.year),
        most_per_project=write_epsilon(caps.project),
        taken=tuple(
            TakenByProject(academic_year=str(year), project=project, epsilon=write_epsilon(loss.epsilon))
            for (year, project), loss in sorted(account.taken.items())
        ),
        counted=tuple(counted),
    )


def open_account(statement: BudgetStatement) -> BudgetAccount:
    """The account that a statement tells of; of losses it has the epsilon alone."""
    caps = (statement.most_per_question, statement.most_per_year, statement.most_per_project)
    taken: dict[Entry, PrivacyLoss] = {}
    for each in statement.taken:
        entry = (int(each.academic_year), each.project)
        taken[entry] = taken.get(entry, NOTHING) + PrivacyLoss(Fraction(each.epsilon), Fraction(0))
    return BudgetAccount(Caps(*map(Fraction, caps)), taken)


def sign_statement(statement: BudgetStatement, signer: Signer) -> Envelope:
    """Return a statement as it is published."""
    return seal_envelope(encode_document(statement), BUDGET_TYPE, signer)


def verify_statement(envelope: Envelope, member: Member, now: datetime) -> BudgetStatement:
    """Return the statement that a node published. Raises `StatementInvalid`."""
    try:
        check_payload_type(envelope, BUDGET_TYPE)
        verify_signature(envelope, member.id, member.public_signing_key)
        statement = decode_document(envelope.body, BudgetStatement)
    except (EnvelopeError, WireError) as error:
        raise StatementInvalid(f"the budget of {member.id}: {error}") from None
    if statement.node != member.id or envelope.signers != (member.id,):
        raise StatementInvalid(f"the budget of {member.id} is another's, or signed by others as well")
    if statement.stated_at > now + CLOCK_SKEW:
        raise StatementInvalid(f"the budget of {member.id} was stated in the future: compare the clocks")
    return statement
