"""A federation in one directory, for tests of the hub: its members' keys are real, and its nodes are played here.

hub          run by hub-operator, as is its information governance officer
node-301 .. node-303
ana          a researcher, of the project `attendance`; asker of everything asked here
bea          an analyst of the department, in no project
cho          approver of authority 301         dev   approver of a research organisation
eve          information governance officer of the hub's organisation
fay          information governance officer of authority 302
gus          output checker
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

import msgspec

from disclosure_control.budget.account import BudgetAccount, Caps, Entry
from disclosure_control.budget.price import PrivacyLoss
from disclosure_control.rows.protection import protect
from federation.budgets import sign_statement, state_budget
from federation.database import keep_address
from federation.envelope import seal_envelope, sign_body, write_envelope
from federation.exchange import QueryDraft
from federation.manifest import MANIFEST_TYPE, REPLY_TYPE, Outcome, Reply
from federation.one_sitting import enrol_parties
from federation.register import Member, Register, read_signed_register, sign_register
from federation.root import create_root, open_root
from federation.state import (
    Party,
    create_party,
    join_federation,
    make_profile,
    publish_log_key,
    read_root_key,
)
from federation.wire import encode_document, whole_seconds
from hub import budgets, dispatch, queries, settling
from hub.drafting import draft_query
from hub.projects import keep_project
from hub.service import Hub, open_hub
from hub.signing import sign_query
from query_engine.tables import RawTable
from tests.projects import make_project

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HUB_ADDRESS = "http://hub.test"
AUTHORITIES = ("301", "302", "303")
NODES = tuple(f"node-{code}" for code in AUTHORITIES)
PROJECT = "attendance"

AMPLE = Caps(question=Fraction(20), year=Fraction(1000), project=Fraction(1000))
"""Caps under which the played nodes, which have no ledger of their own, refuse nothing."""

NOTHING_TAKEN: Mapping[Entry, str] = MappingProxyType({})

SQL = """SELECT key_stage, COUNT(DISTINCT child) AS children, AVG(attendance_rate) AS attendance
FROM child_year
WHERE academic_year = 202425 AND counted_here AND population = 'looked_after'
GROUP BY key_stage"""

PEOPLE = {
    "hub": ("hub", "The federation's hub", "hub-operator", "hub_operator"),
    "ana": ("researcher", "Ana Researcher", "university", "research"),
    "bea": ("dfe_analyst", "Bea Analyst", "department", "department"),
    "cho": ("approver", "Cho Approver", "authority-301", "authority"),
    "dev": ("approver", "Dev Approver", "institute", "research"),
    "eve": ("ig_officer", "Eve Officer", "hub-operator", "hub_operator"),
    "fay": ("ig_officer", "Fay Officer", "authority-302", "authority"),
    "gus": ("output_checker", "Gus Checker", "hub-operator", "hub_operator"),
}
"""Everybody but the nodes: kind, title, organisation and its kind, by member id."""


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


@dataclass
class PlayedFederation:
    """The hub, everybody's keys, and the moment."""

    directory: Path
    hub: Hub
    clock: Clock
    parties: dict[str, Party] = field(default_factory=dict)

    def member(self, member_id: str) -> Member:
        """The register's entry for a member."""
        return self.hub.register().find(member_id, self.clock())

    def draft(self, sql: str = SQL, *, purpose: str = "How attendance differs by key stage", asker: str = "ana") -> str:
        """Have a query drafted; returns its id."""
        draft = QueryDraft(
            project=PROJECT,
            purpose=purpose,
            sql=sql,
            academic_year="202425",
            preset="ons_10_5",
            roster=None,
            valid_hours=168,
        )
        return draft_query(self.hub, draft, self.member(asker))

    def sign(self, query_id: str, *signers: str, starts: bool = True) -> str:
        """Have members sign a query, in order; returns its id.

        Unless it `starts`, the hub is stopped before it sends out what has been approved.
        """
        for signer in signers:
            envelope = queries.find_query(self.hub, query_id, self.member(signer)).envelope
            signature = sign_body(envelope.body, MANIFEST_TYPE, self.parties[signer].keys)
            sign_query(self.hub, query_id, signature, self.member(signer))
            if starts:
                settling.start_query(self.hub, query_id)
        return query_id

    def start(self, sql: str = SQL, *, purpose: str = "How attendance differs by key stage") -> str:
        """Have a query drafted, submitted and approved; returns its id."""
        return self.sign(self.draft(sql, purpose=purpose), "ana", "cho", "dev")

    def answer(self, query_id: str, *nodes: str) -> str:
        """Have nodes answer a query with protected tables of made-up figures; returns its id."""
        for node in nodes:
            query = queries.find_query(self.hub, query_id, self.member("ana"))
            raw = RawTable(query.plan, make_figures(query, seed=NODES.index(node)))
            table = protect(raw, self.hub.party.presets.load(query.manifest.preset)).to_wire()
            self._reply(query, node, Outcome.ANSWERED, "", "", table)
        return query_id

    def refuse(self, query_id: str, node: str, code: str = "history_full", text: str = "wait for the next") -> str:
        """Have a node refuse a query; returns its id."""
        query = queries.find_query(self.hub, query_id, self.member("ana"))
        self._reply(query, node, Outcome.REFUSED, code, text, None)
        return query_id

    def answer_uselessly(self, query_id: str, node: str) -> str:
        """Have a node sign an answer that holds no protected table; returns the query's id."""
        query = queries.find_query(self.hub, query_id, self.member("ana"))
        self._reply(query, node, Outcome.ANSWERED, "", "", {"rows": []})
        return query_id

    def _reply(
        self,
        query: queries.StoredQuery,
        node: str,
        outcome: Outcome,
        code: str,
        text: str,
        table: Mapping[str, object] | None,
    ) -> None:
        reply = Reply(
            manifest_digest=query.digest,
            query_id=query.query_id,
            node=node,
            authority=self.member(node).authority(self.clock()),
            outcome=outcome,
            code=code,
            text=text,
            snapshot="202425-made-up",
            register_version=self.hub.register().version,
            answered_at=whole_seconds(self.clock()),
            table=table,
        )
        envelope = seal_envelope(encode_document(reply), REPLY_TYPE, self.parties[node].keys)
        settling.note_reply(self.hub, dispatch.accept_reply(self.hub, self.member(node), write_envelope(envelope)))

    def state_budgets(
        self, *nodes: str, caps: Caps = AMPLE, taken: Mapping[Entry, str] = NOTHING_TAKEN, counted: Sequence[str] = ()
    ) -> None:
        """Have nodes, or all, state their caps and what each project has taken of each academic year."""
        losses = {entry: PrivacyLoss(Fraction(epsilon), Fraction(0)) for entry, epsilon in taken.items()}
        account = BudgetAccount(caps, losses)
        for node in nodes or [name for name in self.parties if name.startswith("node-")]:
            statement = state_budget(node, account, counted, whole_seconds(self.clock()))
            envelope = sign_statement(statement, self.parties[node].keys)
            budgets.keep_statement(self.hub, self.member(node), write_envelope(envelope))

    def revoke(self, member_id: str) -> None:
        """Have the root revoke a member, and the hub adopt the new register."""
        self.change_member(member_id, revoked=True)

    def change_member(self, member_id: str, **changes: object) -> None:
        """Have the root say something else of a member, and the hub adopt the new register."""
        root = open_root(self.directory / "root")
        file = self.directory / "register.json"
        last = read_signed_register(file.read_bytes(), root.public_key)
        members = tuple(
            msgspec.structs.replace(member, **changes) if member.id == member_id else member for member in last.members
        )
        changed: Register = msgspec.structs.replace(last, version=last.version + 1, members=members)
        file.write_bytes(write_envelope(sign_register(changed, root)))
        self.hub.party.adopt_register(file.read_bytes(), self.clock())


def make_figures(query: queries.StoredQuery, seed: int) -> dict[str, Sequence[int]]:
    """Return a figure for each statistic and cell: 8, 25, 42 ... children, and consistent sums."""
    plan = query.plan
    children = [8 + 17 * ((cell + seed) % 9) for cell in range(plan.cells)]
    return {each.name: [count * max(1, each.bound * 9 // 10) for count in children] for each in plan.statistics}


def found_federation(
    directory: Path, now: datetime = START, database: str = "", authorities: Sequence[str] = AUTHORITIES
) -> PlayedFederation:
    """Make the federation in an empty directory; its hub keeps its state there, or on a server at this address."""
    clock = Clock(now)
    root_key = read_root_key(create_root(directory / "root", "circe").read_text())
    people = {name: _describe(name, *entry) for name, entry in PEOPLE.items()}
    nodes = {f"node-{code}": _describe_node(f"node-{code}", code) for code in authorities}
    parties = {
        name: create_party(directory / name, make_profile(**fields)) for name, fields in {**people, **nodes}.items()
    }
    register = directory / "register.json"
    enrol_parties(directory / "root", register, list(parties.values()), 30, clock())
    parties = {name: join_federation(party, root_key, HUB_ADDRESS) for name, party in parties.items()}
    parties["hub"].adopt_register(register.read_bytes(), clock())
    publish_log_key(parties["hub"])
    if database:
        keep_address(parties["hub"].directory, database)
    hub = open_hub(parties["hub"].directory, clock)
    keep_project(hub, make_project(PROJECT, ["ana"], ["ons_10_5"]))
    return PlayedFederation(directory, hub, clock, parties)


def _describe(name: str, kind: str, title: str, organisation: str, organisation_kind: str) -> dict[str, object]:
    return {
        "member_id": name,
        "kind": kind,
        "title": title,
        "organisation": organisation,
        "organisation_kind": organisation_kind,
        "operator": organisation,
        "authorities": (),
    }


def _describe_node(node: str, code: str) -> dict[str, object]:
    described = _describe(node, "node", f"Node of authority {code}", f"authority-{code}", "authority")
    return {**described, "authorities": (code,)}
