"""Host facts from end to end without a network: homes claim their children, hosts tell, and the record is whole.

Synthetic England places children across borders, so the naive answer is in its files: pool every authority's census and
look the children up by pupil number. The relay, again, is the adversary: it keeps and can change what it carries.
"""

import csv
import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
from click.testing import CliRunner

from audit.event import Action, AuditEvent
from audit.log import read_entries
from federation.claims import CLAIM_ANSWER_TYPE, CLAIM_TYPE, ChildClaim, ClaimAnswer, ClaimRequest, EducationFacts
from federation.envelope import decode_base64
from federation.exchange import Delivery, DeliveryKind, LookupBatch, LookupProgress
from federation.lookups import LookupOutcome, read_message, sign_message
from federation.register import Member, Register
from federation.sealing import SEALED_BYTES, Direction, SealContext, open_records, seal_records
from federation.state import StateError
from federation.transport import decode_page, encode_page
from federation.wire import whole_seconds
from node.asking import ask_placed_here
from node.checklist import Refused
from node.claim_counts import ClaimCount, admit_claims, list_children, list_counts
from node.claim_ledger import Reason
from node.claims import ClaimReport, claim_host_facts
from node.commands import node as node_command
from node.host_facts import DIRECTORY, find_facts
from node.incomplete import IncompleteChild, SoughtChild, find_obstacle, find_sought, list_incomplete
from node.ingest.periods import Period
from node.loading import load_into, rebuild_snapshot
from node.lookups import answer_lookup
from node.people import find_person
from node.rules import ClaimRules
from node.service import Node
from node.terms import first_day, parse_term, term_of
from policies.access_policy import MATRIX, AccessDenied
from tests.small_federation import SmallFederation

TERM = Period(202425, "summer")
HOME, HOST = "203", "301"

SHARED = (
    *("sen_provision", "sen_primary_need", "sen_unit_or_resourced", "fsm_status", "english_additional_language"),
    *("suspensions", "suspension_days", "permanently_excluded", "attendance_rate"),
    *("sessions_missed_unauthorised_rate", "persistent_absentee", "severe_absentee", "school_changes_in_year"),
)
"""The columns that a host's rolls fill, in `child_year` at home as in `pupil_year` at the host."""


@dataclass
class PaperRelay:
    """Carries pages between nodes, and keeps them; `tamper` may change what a node sends back."""

    federation: SmallFederation
    sender: str = HOME
    silent: frozenset[str] = frozenset()
    tamper: Callable[[str, str], str] = lambda node, page: page
    batches: list[LookupBatch] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)

    def ask_lookup(self, batch: LookupBatch) -> None:
        self.batches.append(batch)

    def deliver(self, node: str, page: str, lookup_id: str) -> str | None:
        delivery = Delivery(
            delivery_id=1, kind=DeliveryKind.LOOKUP, lookup_id=lookup_id, sender=f"node-{self.sender}", body=page
        )
        sealed = answer_lookup(self.federation.node(node.removeprefix("node-")), delivery)
        return encode_page(sealed) if sealed is not None else None

    def fetch_lookup(self, lookup_id: str, *, wait: int) -> LookupProgress:
        self.answers = {}
        for node, page in self.batches[-1].pages.items():
            if node not in self.silent and (answer := self.deliver(node, page, lookup_id)):
                self.answers[node] = self.tamper(node, answer)
        awaited = tuple(sorted(set(self.batches[-1].pages) - set(self.answers)))
        return LookupProgress(lookup_id=lookup_id, answers=self.answers, awaited=awaited)

    def finish_lookup(self, lookup_id: str) -> None:
        assert lookup_id == self.batches[-1].lookup_id

    def fetch_register(self) -> bytes:
        return (self.federation.directory / "register.json").read_bytes()

    def close(self) -> None:
        pass


def claim(federation: SmallFederation, relay: PaperRelay | None = None, **options: Any) -> ClaimReport:
    relay = relay or PaperRelay(federation)
    return claim_host_facts(federation.node(relay.sender), relay, TERM, patience=1, **options)


def events(node: Node, action: Action) -> list[AuditEvent]:
    return [entry.to_event() for entry in read_entries(node.database.connection, action=action)]


def ask_rows(sql: str, **tables: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect(":memory:") as connection:
        for name, path in tables.items():
            connection.read_parquet(str(path)).create_view(name)
        return connection.execute(sql).fetchall()


# --- The naive answer: every authority's census files in one place ----------------------------------------------------


@dataclass(frozen=True)
class Enrolled:
    """What the pooled files say of a pupil: where on roll last, and with which provision; sessions over the year."""

    authority: str
    provision: str
    possible: int
    missed: float


ABSENT = frozenset(("C", "C1", "C2", "E", "G", "H", "I", "J", "J1", "M", "N", "O", "R", "S", "T", "U"))
"""The attendance codes of sessions missed, authorised and not."""


def read_files(directory: Path, name: str) -> list[dict[str, str]]:
    with (directory / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def pool_censuses(federation: SmallFederation) -> dict[str, Enrolled]:
    """Every pupil of every authority by pupil number, read from the census files line by line."""
    pooled: dict[str, Enrolled] = {}
    for authority in federation.authorities:
        directory = federation.directory / "england" / authority / "school-census"
        for term in ("2024_autumn", "2025_spring", "2025_summer"):
            missed: dict[str, float] = defaultdict(float)
            for row in read_files(directory, f"{term}_termlysessiondetailsonroll.csv"):
                if row["attendancereason"] in ABSENT:
                    missed[row["pupilonrolltableid"]] += float(row["sessions"])
            for row in read_files(directory, f"{term}_pupilonroll.csv"):
                known = pooled.get(row["upn"])
                possible = int(float(row["termlysessionspossible"] or 0))
                pooled[row["upn"]] = Enrolled(
                    authority,
                    row["senprovision"],
                    (known.possible if known else 0) + possible,
                    (known.missed if known else 0) + missed[row["pupilonrolltableid"]],
                )
    return pooled


@pytest.fixture(scope="module")
def pooled(pristine_federation: SmallFederation) -> Mapping[str, Enrolled]:
    return pool_censuses(pristine_federation)


@dataclass(frozen=True)
class InCare:
    """A child in care in the year, out of the home authority's own vault before anything was claimed."""

    la_child_id: str
    upn: str
    born: date
    token: str
    year_group: int


def children_in_care(node: Node) -> list[InCare]:
    """Children of the demo's question and those a little older or younger: school age, in care in the year."""
    snapshot = node.store.current()
    assert snapshot is not None
    rows = ask_rows(
        "SELECT la_child_id, upn, dob, child, year_group FROM children JOIN child_year USING (child, academic_year) "
        "WHERE academic_year = 202425 AND population = 'looked_after' AND year_group BETWEEN 0 AND 13 ORDER BY child",
        children=snapshot.identified["children"],
        child_year=snapshot.tables["child_year"],
    )
    return [InCare(*row) for row in rows]


def incomplete(federation: SmallFederation, authority: str = HOME) -> dict[str, IncompleteChild]:
    return {child.la_child_id: child for child in list_incomplete(federation.node(authority), TERM)}


# --- What comes of it -------------------------------------------------------------------------------------------------


def test_every_child_on_another_authoritys_roll_is_found(
    federation: SmallFederation, pooled: Mapping[str, Enrolled]
) -> None:
    """Exactly the children whom the pooled censuses have in another authority, each told of by that authority alone."""
    found_anywhere = 0
    for home in federation.authorities:
        children = children_in_care(federation.node(home))
        expected = {
            (child.upn, pooled[child.upn].authority)
            for child in children
            if child.upn in pooled and pooled[child.upn].authority != home
        }
        report = claim(federation, PaperRelay(federation, sender=home))
        told = duckdb.execute(
            "SELECT upn, host_authority FROM read_parquet(?)",
            [[str(path) for path in find_facts(federation.directory / f"node-{home}")]],
        ).fetchall()
        assert sorted(told) == sorted(expected)
        assert (report.found, report.refused, report.failed) == (len(expected), {}, {})
        found_anywhere += len(expected)
    assert found_anywhere >= 40


def test_the_rebuilt_record_is_what_the_pooled_censuses_say(
    federation: SmallFederation, pooled: Mapping[str, Enrolled]
) -> None:
    """Provision, attendance and host of every child, and the demo's question with fewer in its missing category."""
    node = federation.node(HOME)
    children = children_in_care(node)
    before = missing_provision(node)
    assert claim(federation).found
    rebuild_snapshot(node.party.directory)
    snapshot = node.store.current()
    assert snapshot is not None
    sql = "SELECT child, sen_provision, attendance_rate, host_authority, school_in_area FROM child_year"
    found = ask_rows(f"{sql} WHERE academic_year = 202425", child_year=snapshot.tables["child_year"])
    rows = {row[0]: row[1:] for row in found}
    words = {"N": "none", "K": "sen_support", "E": "ehc_plan"}
    for child in children:
        provision, attendance, host, in_area = rows[child.token]
        enrolled = pooled.get(child.upn)
        assert provision == (enrolled and words[enrolled.provision])
        if enrolled:
            assert (host, in_area) == (enrolled.authority, enrolled.authority == HOME)
            assert float(attendance) == pytest.approx(1 - enrolled.missed / enrolled.possible, abs=6e-5)
    expected = sum(1 <= child.year_group <= 11 and child.upn not in pooled for child in children)
    assert missing_provision(node) == expected < before


def missing_provision(node: Node) -> int:
    snapshot = node.store.current()
    assert snapshot is not None
    sql = (
        "SELECT count(DISTINCT child) FROM child_year WHERE academic_year = 202425 AND population = 'looked_after' "
        "AND year_group BETWEEN 1 AND 11 AND sen_provision IS NULL"
    )
    found: int = ask_rows(sql, child_year=snapshot.tables["child_year"])[0][0]
    return found


def test_every_column_at_home_is_the_hosts_own(federation: SmallFederation) -> None:
    """Whatever the host's own `pupil_year` says of a hosted child, the home's `child_year` says too."""
    claim(federation)
    node = federation.node(HOME)
    rebuild_snapshot(node.party.directory)
    home = node.store.current()
    assert home is not None
    columns = ", ".join(SHARED)
    mine = ask_rows(
        f"SELECT upn, host_authority, {columns} FROM child_year AS y JOIN children AS c USING (child, academic_year, "
        "host_authority) WHERE academic_year = 202425 AND NOT school_in_area AND sen_provision IS NOT NULL",
        child_year=home.tables["child_year"],
        children=home.identified["children"],
    )
    compared = 0
    for host in set(federation.authorities) - {HOME}:
        snapshot = federation.node(host).store.current()
        assert snapshot is not None
        theirs = ask_rows(
            f"SELECT upn, {columns} FROM pupil_year JOIN pupils USING (pupil, academic_year)",
            pupil_year=snapshot.tables["pupil_year"],
            pupils=snapshot.identified["pupils"],
        )
        by_upn = {row[0]: row[1:] for row in theirs}
        for upn, authority, *values in mine:
            if authority == host:
                assert tuple(values) == by_upn[upn]
                compared += 1
    assert compared == len(mine) >= 10


def test_a_load_and_a_rebuild_give_the_same_tables(federation: SmallFederation) -> None:
    """Facts are merged whichever way the next snapshot is built, and the report keeps the files it was built from."""
    claim(federation)
    node = federation.node(HOME)
    files = federation.directory / "england" / HOME
    rebuilt = rebuild_snapshot(node.party.directory)
    first = node.store.current()
    load_into(node.party.directory, [files], None, lambda _: None)
    second = node.store.current()
    assert first is not None
    assert second is not None
    assert first.content_hash == second.content_hash
    assert rebuilt.snapshot == first.id
    reports = [json.loads((snapshot.path / "report.json").read_text()) for snapshot in (first, second)]
    assert [len(report["files"]) for report in reports] == [len(reports[0]["files"])] * 2 != [0, 0]


def test_our_own_roll_comes_first(federation: SmallFederation, pooled: Mapping[str, Enrolled]) -> None:
    """What a host tells of a child who is on our own roll changes nothing."""
    node = federation.node(HOME)
    claim(federation)
    own = next(child for child in children_in_care(node) if child.upn in pooled and pooled[child.upn].authority == HOME)
    path = find_facts(node.party.directory)[0]
    duckdb.execute(
        f"COPY (SELECT * REPLACE ('{own.upn}' AS upn, 'ehc_plan' AS sen_provision, 59 AS suspensions) "
        f"FROM read_parquet('{path}') LIMIT 1) TO '{path.with_name('forged.parquet')}'"
    )
    rebuild_snapshot(node.party.directory)
    snapshot = node.store.current()
    assert snapshot is not None
    rows = ask_rows(
        f"SELECT suspensions, school_in_area FROM child_year WHERE child = '{own.token}'",
        child_year=snapshot.tables["child_year"],
    )
    assert [in_area for _, in_area in rows] == [True]
    assert rows[0][0] != 59


def test_facts_are_vault_files(federation: SmallFederation) -> None:
    """Readable by their owner alone, dated, and no part of any snapshot's governed tables."""
    claim(federation)
    node = federation.node(HOME)
    files = find_facts(node.party.directory)
    assert files
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert (node.party.directory / DIRECTORY).stat().st_mode & 0o777 == 0o700
    rows = duckdb.execute("SELECT DISTINCT term, as_of, host_snapshot FROM read_parquet(?)", [str(files[0])]).fetchall()
    assert len(rows) == 1
    assert rows[0][:2] == (str(TERM), whole_seconds(federation.clock()).replace(tzinfo=None))


# --- What the hub sees ------------------------------------------------------------------------------------------------


def test_a_claim_looks_like_a_lookup(federation: SmallFederation) -> None:
    """The same nodes are addressed by the same document, a page each of the same size, whoever is claimed from."""
    relay = PaperRelay(federation)
    node = federation.node(HOME)
    claim(federation, relay)
    claim_answers = dict(relay.answers)
    ask_placed_here(node, relay, find_person(node.party.directory, "vsh"), "Termly review", patience=1)
    claims, lookup = relay.batches
    assert set(claims.pages) == set(lookup.pages)
    pages = [*claims.pages.values(), *lookup.pages.values(), *claim_answers.values(), *relay.answers.values()]
    assert {len(decode_base64(page)) for page in pages} == {SEALED_BYTES}
    assert re.sub("[0-9a-f]", "0", claims.lookup_id) == re.sub("[0-9a-f]", "0", lookup.lookup_id)
    carried = b"".join(map(decode_base64, pages))
    assert not any(child.upn.encode() in carried for child in children_in_care(node))


def test_a_child_is_addressed_to_one_host(federation: SmallFederation) -> None:
    """Over every page of a claim, no child stands in two; and those of other hosts than the child's are empty."""
    relay = PaperRelay(federation)
    claim(federation, relay)
    claimed = [
        (child.upn, receiver)
        for receiver, page in relay.batches[0].pages.items()
        for child in open_request(federation, receiver, page, relay.batches[0].lookup_id).children
    ]
    assert claimed
    assert len({upn for upn, _ in claimed}) == len(claimed)


def open_request(federation: SmallFederation, receiver: str, page: str, lookup_id: str) -> ClaimRequest:
    context = SealContext(lookup_id, f"node-{HOME}", receiver, Direction.REQUEST)
    content = open_records(decode_page(page), context, federation.party(receiver).keys)
    key = federation.party(f"node-{HOME}").keys.public_signing_key
    return read_message(content, CLAIM_TYPE, ClaimRequest, f"node-{HOME}", key)


def test_more_children_than_a_page_holds_take_several_rounds(
    federation: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = claim(federation, PaperRelay(federation, silent=frozenset(federation.roster))).claimed
    monkeypatch.setattr("node.claims.MOST_CLAIMS", 2)
    relay = PaperRelay(federation)
    assert claim(federation, relay).claimed == expected
    assert len(relay.batches) > 1
    assert {frozenset(batch.pages) for batch in relay.batches} == {frozenset(relay.batches[0].pages)}
    assert len(find_facts(federation.directory / f"node-{HOME}")) > 3


# --- What the host keeps ----------------------------------------------------------------------------------------------


def hosted_child(federation: SmallFederation, pooled: Mapping[str, Enrolled], host: str = HOST) -> ChildClaim:
    """A child of the home authority who is on roll at the host."""
    for child in children_in_care(federation.node(HOME)):
        if child.upn in pooled and pooled[child.upn].authority == host:
            return ChildClaim(upn=child.upn, date_of_birth=child.born, care_start=date(2020, 1, 1), care_end=None)
    raise AssertionError("nobody is placed there")


def send_claims(federation: SmallFederation, *children: ChildClaim, sender: str = HOME, **changes: Any) -> ClaimAnswer:
    """Send a host one page of claims as they are given, true or not, and open its answer."""
    party, host = federation.party(f"node-{sender}"), federation.party(f"node-{HOST}")
    request = ClaimRequest(
        lookup_id=changes.pop("lookup_id", f"L-{len(list_lookups(federation)):032x}"),
        sender=party.member_id,
        receiver=host.member_id,
        authority=changes.pop("authority", sender),
        term=changes.pop("term", str(TERM)),
        asked_at=changes.pop("asked_at", whole_seconds(federation.clock())),
        children=children,
    )
    context = SealContext(request.lookup_id, party.member_id, host.member_id, Direction.REQUEST)
    page = seal_records(sign_message(request, CLAIM_TYPE, party.keys), context, host.keys.public_sealing_key)
    answer = PaperRelay(federation, sender).deliver(host.member_id, encode_page(page), request.lookup_id)
    assert answer is not None
    back = SealContext(request.lookup_id, host.member_id, party.member_id, Direction.ANSWER)
    content = open_records(decode_page(answer), back, party.keys)
    return read_message(content, CLAIM_ANSWER_TYPE, ClaimAnswer, host.member_id, host.keys.public_signing_key)


def list_lookups(federation: SmallFederation) -> list[Any]:
    return federation.node(HOST).database.connection.execute("SELECT * FROM lookups_seen").fetchall()


FALSE: dict[str, Callable[[ChildClaim], dict[str, Any]]] = {
    "another date of birth": lambda child: {"date_of_birth": child.date_of_birth + timedelta(days=1)},
    "day and month exchanged": lambda child: {"date_of_birth": date(child.date_of_birth.year, 1, 1)},
    "a number guessed from it": lambda child: {"upn": f"{child.upn[:-1]}{(int(child.upn[-1]) + 1) % 10}"},
    "another check letter": lambda child: {"upn": ("B" if child.upn[0] == "A" else "A") + child.upn[1:]},
    "care that ended before the year": lambda child: {"care_end": date(2024, 3, 31)},
    "care that begins after the year": lambda child: {"care_start": date(2025, 9, 1)},
}


@pytest.mark.parametrize("change", FALSE.values(), ids=FALSE)
def test_a_false_claim_finds_nobody(
    federation: SmallFederation, pooled: Mapping[str, Enrolled], change: Callable[[ChildClaim], dict[str, Any]]
) -> None:
    child = hosted_child(federation, pooled)
    assert [facts.upn for facts in send_claims(federation, child).children] == [child.upn]
    answer = send_claims(federation, msgspec.structs.replace(child, **change(child)))
    assert (answer.outcome, answer.children) == (LookupOutcome.ANSWERED, ())


def test_a_miss_leaves_a_number_and_nothing_else(federation: SmallFederation) -> None:
    """No file of the host but its database changes, and nothing in that holds what was claimed."""
    fake = ChildClaim(
        upn="Z999888777666", date_of_birth=date(2011, 11, 13), care_start=date(2019, 7, 9), care_end=date(2025, 2, 27)
    )
    directory = federation.directory / f"node-{HOST}"
    before = read_tree(directory)
    assert send_claims(federation, fake, fake).children == ()
    after = read_tree(directory)
    changed = {path for path in after if before.get(path) != after[path]}
    assert {path.split("-")[0] for path in changed} == {"circe.sqlite"}
    node = federation.node(HOST)
    written = b"".join(after[path] for path in changed) + dump_database(node).encode()
    for day in (fake.date_of_birth, fake.care_start, fake.care_end):
        assert day is not None
        assert day.isoformat().encode() not in written
    assert fake.upn.encode() not in written
    assert [(count.claims, count.matched, count.children) for count in list_counts(node)] == [(2, 0, 0)]
    assert node.party.keys.log_token(fake.upn) not in dump_database(node)


def read_tree(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def dump_database(node: Node) -> str:
    with closing(sqlite3.connect(node.party.database)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return " ".join(
            (bytes(cell).decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell))
            for table in tables
            for row in connection.execute(f'SELECT * FROM "{table}"')
            for cell in row
        )


def test_the_hosts_officer_sees_every_claim(federation: SmallFederation, pooled: Mapping[str, Enrolled]) -> None:
    """Who claimed, how many, how many were found and refused; children by the host's own token, contested ones so."""
    child = hosted_child(federation, pooled)
    miss = msgspec.structs.replace(child, upn="Z999888777666")
    send_claims(federation, child, miss)
    send_claims(federation, child, sender="316")
    federation.change_rule(HOST, "answer = true", "answer = false")
    send_claims(federation, child, miss, miss)
    node = federation.node(HOST)
    received = str(term_of(federation.clock().date()))
    assert list_counts(node) == [
        ClaimCount(HOME, received, str(TERM), claims=2, matched=1, refused=3, children=1, contested=1),
        ClaimCount("316", received, str(TERM), claims=1, matched=1, refused=0, children=1, contested=1),
    ]
    assert len({claimed.child for claimed in list_children(node)}) == 1
    assert all(re.fullmatch("[0-9a-f]{32}", claimed.child) for claimed in list_children(node))
    assert child.upn not in dump_database(node)


def test_an_empty_page_leaves_no_trace(federation: SmallFederation) -> None:
    before = dump_database(federation.node(HOST))
    assert send_claims(federation).outcome is LookupOutcome.ANSWERED
    assert dump_database(federation.node(HOST)) == before


# --- Caps -------------------------------------------------------------------------------------------------------------


def test_the_cap_of_a_term_holds_whatever_term_is_named(
    federation: SmallFederation, pooled: Mapping[str, Enrolled]
) -> None:
    """Two claims are allowed: a third is refused and not looked at, also under another term's name."""
    federation.change_rule(HOST, "most_children_per_authority = 1500", "most_children_per_authority = 2")
    child = hosted_child(federation, pooled)
    assert len(send_claims(federation, child).children) == 1
    assert send_claims(federation, child, child).code == "term_cap"
    assert len(send_claims(federation, child, term="202425-autumn").children) == 1
    refused = send_claims(federation, child, term="202425-spring")
    assert (refused.outcome, refused.code, refused.children) == (LookupOutcome.REFUSED, "term_cap", ())
    assert len(send_claims(federation, child, sender="316").children) == 1, "another authority has a cap of its own"


def test_the_cap_of_a_day_counts_all_authorities(federation: SmallFederation, pooled: Mapping[str, Enrolled]) -> None:
    federation.change_rule(HOST, "most_claims_a_day = 3000", "most_claims_a_day = 2")
    child = hosted_child(federation, pooled)
    send_claims(federation, child)
    send_claims(federation, child, sender="316")
    assert send_claims(federation, child, sender="317").code == "day_cap"
    federation.clock.move(timedelta(days=1))
    assert len(send_claims(federation, child, sender="317").children) == 1


def test_a_new_term_begins_a_new_count(federation: SmallFederation) -> None:
    """Counts begin anew on 1 September, 1 January and 1 April."""
    rules = ClaimRules(answer=True, most_children_per_authority=1, most_claims_a_day=9)
    born = date(2011, 1, 1)
    claim_one = ChildClaim(upn="Z999888777666", date_of_birth=born, care_start=born, care_end=None)
    request = ClaimRequest(
        lookup_id="L-" + "0" * 32,
        sender=f"node-{HOME}",
        receiver=f"node-{HOST}",
        authority=HOME,
        term=str(TERM),
        asked_at=whole_seconds(federation.clock()),
        children=(claim_one,),
    )
    with federation.node(HOST).database.transaction() as connection:
        for day in (date(2025, 8, 31), date(2025, 9, 1), date(2026, 1, 1), date(2026, 4, 1)):
            admit_claims(connection, request, rules, day)
            with pytest.raises(Refused, match="more children"):
                admit_claims(connection, request, rules, day)


# --- Refusals ---------------------------------------------------------------------------------------------------------


def drop_policy(federation: SmallFederation, authority: str) -> None:
    """An access policy that lets no virtual school head read the education of home children."""
    lines = MATRIX.read_text().splitlines()
    kept = [line for line in lines if not line.startswith("p, virtual_school_head, home, read, education")]
    (federation.directory / f"node-{authority}" / "policy.csv").write_text("\n".join(kept) + "\n")


SPOILED: dict[str, Callable[[SmallFederation], object]] = {
    "claims_barred": lambda federation: federation.change_rule(HOST, "answer = true", "answer = false"),
    "policy_denied": lambda federation: drop_policy(federation, HOST),
    "roll_absent": lambda federation: (federation.directory / f"node-{HOST}" / "snapshots" / "current").unlink(),
    "term_cap": lambda federation: federation.change_rule(HOST, "= 1500", "= 0"),
    "day_cap": lambda federation: federation.change_rule(HOST, "= 3000", "= 0"),
}


@pytest.mark.parametrize(("code", "spoil"), SPOILED.items(), ids=SPOILED)
def test_a_host_may_refuse(federation: SmallFederation, code: str, spoil: Callable[[SmallFederation], object]) -> None:
    """A refusal has a reason and the size of any answer; it is logged at both ends and can be claimed again."""
    spoil(federation)
    relay = PaperRelay(federation)
    report = claim(federation, relay)
    assert report.refused == {f"node-{HOST}": code}
    assert len(decode_base64(relay.answers[f"node-{HOST}"])) == SEALED_BYTES
    refused = [child for child in incomplete(federation).values() if child.reason is Reason.HOST_REFUSED]
    assert refused
    assert {(child.host, child.code) for child in refused} == {(HOST, code)}
    for authority in (HOME, HOST):
        assert [event.details["code"] for event in events(federation.node(authority), Action.CLAIM_REFUSED)] == [code]


ODD: dict[str, tuple[str, dict[str, Any]]] = {
    "another authority's name": ("not_your_authority", {"authority": "316"}),
    "the host's own name": ("not_your_authority", {"authority": HOST}),
    "a year nobody loaded": ("roll_absent", {"term": "201516-autumn"}),
    "a year that is none": ("roll_absent", {"term": "202499-autumn"}),
}


@pytest.mark.parametrize(("code", "changes"), ODD.values(), ids=ODD)
def test_a_claim_that_is_out_of_place_is_refused(
    federation: SmallFederation, pooled: Mapping[str, Enrolled], code: str, changes: dict[str, Any]
) -> None:
    answer = send_claims(federation, hosted_child(federation, pooled), **changes)
    assert (answer.outcome, answer.code, answer.children) == (LookupOutcome.REFUSED, code, ())
    assert {count.authority for count in list_counts(federation.node(HOST))} <= {HOME}


def test_an_old_and_a_repeated_claim_are_refused(federation: SmallFederation, pooled: Mapping[str, Enrolled]) -> None:
    child, now = hosted_child(federation, pooled), whole_seconds(federation.clock())
    assert send_claims(federation, child, asked_at=now - timedelta(hours=1)).code == "stale"
    assert send_claims(federation, child, lookup_id="L-" + "a" * 32).code == ""
    assert send_claims(federation, child, lookup_id="L-" + "a" * 32).code == "replayed"


def test_a_home_whose_own_policy_says_no_sends_nothing(federation: SmallFederation) -> None:
    drop_policy(federation, HOME)
    relay = PaperRelay(federation)
    with pytest.raises(AccessDenied):
        claim(federation, relay)
    assert relay.batches == []


# --- Hosts that lie ---------------------------------------------------------------------------------------------------


def rewrite(federation: SmallFederation, page: str, change: Callable[[ClaimAnswer], ClaimAnswer]) -> str:
    """A host that changes its own answer and signs it: opened with the home's key, sealed anew with the host's."""
    host, home = federation.party(f"node-{HOST}"), federation.party(f"node-{HOME}")
    lookup_id = (
        federation.node(HOME)
        .database.connection.execute("SELECT lookup_id FROM claims_made ORDER BY sent_at DESC LIMIT 1")
        .fetchone()[0]
    )
    context = SealContext(lookup_id, host.member_id, home.member_id, Direction.ANSWER)
    content = open_records(decode_page(page), context, home.keys)
    answer = read_message(content, CLAIM_ANSWER_TYPE, ClaimAnswer, host.member_id, host.keys.public_signing_key)
    message = sign_message(change(answer), CLAIM_ANSWER_TYPE, host.keys)
    return encode_page(seal_records(message, context, home.keys.public_sealing_key))


def another(answer: ClaimAnswer, **changes: Any) -> tuple[EducationFacts, ...]:
    return (*answer.children[1:], msgspec.structs.replace(answer.children[0], **changes))


LIES: dict[str, Callable[[ClaimAnswer], dict[str, Any]]] = {
    "another child's record": lambda answer: {"children": another(answer, upn="Z999888777666")},
    "another date of birth": lambda answer: {"children": another(answer, date_of_birth=date(2001, 1, 1))},
    "one child more": lambda answer: {"children": (*answer.children, *another(answer, upn="Z999888777666")[-1:])},
    "one child twice": lambda answer: {"children": (*answer.children, answer.children[0])},
    "another lookup": lambda answer: {"lookup_id": "L-" + "f" * 32},
    "another term": lambda answer: {"term": "202324-summer"},
    "another authority": lambda answer: {"authority": "316"},
    "a refusal that tells": lambda answer: {"outcome": LookupOutcome.REFUSED, "code": "claims_barred"},
    "another time": lambda answer: {"as_of": answer.as_of - timedelta(days=1)},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_lying_host_is_not_believed(
    federation: SmallFederation, lie: Callable[[ClaimAnswer], dict[str, Any]]
) -> None:
    """Nothing of such an answer is kept; the children stay incomplete and say why, and the other hosts count."""

    def tamper(node: str, page: str) -> str:
        changed = lambda answer: msgspec.structs.replace(answer, **lie(answer))  # noqa: E731
        return rewrite(federation, page, changed) if node == f"node-{HOST}" else page

    report = claim(federation, PaperRelay(federation, tamper=tamper))
    assert list(report.failed) == [f"node-{HOST}"]
    assert report.found > 0
    told = duckdb.execute(
        "SELECT DISTINCT host_authority FROM read_parquet(?)",
        [[str(path) for path in find_facts(federation.directory / f"node-{HOME}")]],
    ).fetchall()
    assert HOST not in {authority for (authority,) in told}
    rejected = {child.host for child in incomplete(federation).values() if child.reason is Reason.HOST_ANSWER_REJECTED}
    assert rejected == {HOST}
    assert claim(federation).found > 0, "an honest answer later is taken"


def test_an_answer_of_another_claim_does_not_open(federation: SmallFederation) -> None:
    """A relay that hands on last week's answer, or another host's, is told from the host it plays."""
    first = PaperRelay(federation, silent=frozenset({"node-316", "node-317"}))
    federation.change_rule(HOST, "answer = true", "answer = false")
    claim(federation, first)
    old = first.answers[f"node-{HOST}"]
    federation.change_rule(HOST, "answer = false", "answer = true")
    report = claim(federation, PaperRelay(federation, tamper=lambda node, page: old))
    assert set(report.failed) == {"node-301", "node-316", "node-317"}
    assert find_facts(federation.directory / f"node-{HOME}") == ()


# --- Who is still incomplete ------------------------------------------------------------------------------------------


def test_the_list_names_each_child_left_with_the_right_reason(
    federation: SmallFederation, pooled: Mapping[str, Enrolled], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One host is silent, one refuses, one has no node; the naive reason of each child is worked out from the files."""
    everyone = Register.active

    def active(self: Register, kind: Any, now: Any) -> list[Member]:
        return [member for member in everyone(self, kind, now) if member.id != "node-317"]

    monkeypatch.setattr(Register, "active", active)
    federation.change_rule(HOST, "answer = true", "answer = false")
    before = incomplete(federation)
    claim(federation, PaperRelay(federation, silent=frozenset({"node-316"})))
    listed = incomplete(federation)
    children = children_in_care(federation.node(HOME))
    left = [child for child in children if child.upn not in pooled or pooled[child.upn].authority != HOME]
    assert {child.la_child_id for child in left} == set(listed) == set(before)
    naive = {HOST: Reason.HOST_REFUSED, "316": Reason.HOST_NOT_ANSWERED, "317": Reason.HOST_HAS_NO_NODE}
    for child in left:
        if child.upn in pooled:
            assert listed[child.la_child_id].reason is naive[pooled[child.upn].authority]
            assert listed[child.la_child_id].host == pooled[child.upn].authority
        elif not re.fullmatch("[A-Z][0-9]{11}[0-9A-Z]", child.upn):
            assert listed[child.la_child_id].reason is Reason.NO_UPN
    unclaimed = {child.reason for child in before.values()}
    assert unclaimed >= {Reason.NOT_CLAIMED, Reason.HOST_HAS_NO_NODE}
    assert Reason.HOST_NOT_ANSWERED not in unclaimed
    assert set(naive.values()) <= {child.reason for child in listed.values()}


def test_whoever_is_left_after_an_honest_claim_is_on_no_roll_of_england(
    federation: SmallFederation, pooled: Mapping[str, Enrolled]
) -> None:
    claim(federation)
    children = children_in_care(federation.node(HOME))
    listed = incomplete(federation)
    assert set(listed) == {child.la_child_id for child in children if child.upn not in pooled}
    assert listed
    allowed = {Reason.NO_UPN, Reason.NOT_ON_OWN_ROLL, Reason.NOT_FOUND_AT_HOST, Reason.HOST_UNKNOWN}
    assert {child.reason for child in listed.values()} <= allowed


OBSTACLES: dict[str, tuple[dict[str, Any], Reason | None]] = {
    "nothing in the way": ({}, None),
    "no number": ({"upn": None}, Reason.NO_UPN),
    "a code for no number": ({"upn": "UN3"}, Reason.NO_UPN),
    "no number of its form": ({"upn": "A12345678901O"}, Reason.NO_UPN),
    "no date of birth": ({"born": None}, Reason.NO_DATE_OF_BIRTH),
    "nobody knows where": ({"host": None}, Reason.HOST_UNKNOWN),
    "here, on no roll": ({"host": HOME}, Reason.NOT_ON_OWN_ROLL),
    "where nobody takes part": ({"host": "999"}, Reason.HOST_HAS_NO_NODE),
}


@pytest.mark.parametrize(("changes", "reason"), OBSTACLES.values(), ids=OBSTACLES)
def test_why_nobody_can_be_asked(changes: dict[str, Any], reason: Reason | None) -> None:
    usual: dict[str, Any] = {
        "token": "0" * 32,
        "la_child_id": "C1",
        "upn": "A123456789012",
        "born": date(2012, 1, 31),
        "care_start": date(2020, 1, 1),
        "care_end": None,
        "year_group": 8,
        "host": HOST,
    }
    child = SoughtChild(**(usual | changes))
    nodes: Any = {HOST: None}
    assert find_obstacle(child, child.host, HOME, nodes) is reason


def test_every_reason_can_be_come_by() -> None:
    """The reasons of the tests above are all there are."""
    by_claim = {Reason.HOST_NOT_ANSWERED, Reason.HOST_REFUSED, Reason.HOST_ANSWER_REJECTED, Reason.NOT_FOUND_AT_HOST}
    assert {reason for _, reason in OBSTACLES.values() if reason} | by_claim | {Reason.NOT_CLAIMED} == set(Reason)


# --- Once a term ------------------------------------------------------------------------------------------------------


def test_a_claim_made_twice_in_a_term_sends_nothing_the_second_time(federation: SmallFederation) -> None:
    """Children who were found are complete, and of the others one answer in a term is enough."""
    claim(federation)
    state = federation.directory / f"node-{HOME}"
    rebuild_snapshot(state)
    files, listed = find_facts(state), set(incomplete(federation))
    relay = PaperRelay(federation)
    assert claim(federation, relay) == ClaimReport(str(TERM))
    assert relay.batches == []
    assert find_facts(state) == files
    assert set(incomplete(federation)) == listed


def test_who_was_not_found_is_claimed_again_only_on_demand(
    federation: SmallFederation, pooled: Mapping[str, Enrolled]
) -> None:
    """A host that loads its rolls late can be asked again; it finds the children then."""
    host = federation.node(HOST)
    snapshot = host.store.current()
    assert snapshot is not None
    path = snapshot.identified["rolls"]
    whole = path.read_bytes()
    duckdb.execute(f"COPY (FROM read_parquet('{path}') WHERE upn < 'B') TO '{path}.new' (FORMAT parquet)")
    Path(f"{path}.new").replace(path)
    assert claim(federation).not_found > 0
    path.write_bytes(whole)
    assert claim(federation).claimed == 0
    again = claim(federation, again=True)
    assert again.found > 0
    enrolled = {child.la_child_id for child in children_in_care(federation.node(HOME)) if child.upn in pooled}
    assert not enrolled & set(incomplete(federation))


def test_in_one_term_a_child_is_claimed_from_one_host_alone(
    federation: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even when another host becomes known after a claim that was not answered."""
    claim(federation, PaperRelay(federation, silent=frozenset(federation.roster)))

    def moved(node: Node, term: Period) -> list[SoughtChild]:
        return [replace(child, host="316" if child.host == HOST else child.host) for child in find_sought(node, term)]

    monkeypatch.setattr("node.claims.find_sought", moved)
    relay = PaperRelay(federation)
    claim(federation, relay)
    hosts = {
        (row["child"], row["host"])
        for row in federation.node(HOME).database.connection.execute("SELECT child, host FROM claims_made")
    }
    assert len({child for child, _ in hosts}) == len(hosts)
    batch = relay.batches[0]
    assert open_request(federation, f"node-{HOST}", batch.pages[f"node-{HOST}"], batch.lookup_id).children


# --- The logs ---------------------------------------------------------------------------------------------------------


def test_both_ends_log_every_child_under_one_id(federation: SmallFederation) -> None:
    """Which child by the log's own token, by which relationship, policy and fields: sent, told, stored."""
    report = claim(federation)
    home = federation.node(HOME)
    sent = [event for event in events(home, Action.CLAIM_SENT) if event.subject]
    stored = [event for event in events(home, Action.CLAIM_STORED) if event.subject]
    told = [
        event
        for authority in federation.authorities
        if authority != HOME
        for event in events(federation.node(authority), Action.CLAIM_ANSWERED)
        if event.subject
    ]
    assert (len(sent), len(stored), len(told)) == (report.claimed, report.found, report.found)
    assert {event.subject for event in stored} <= {event.subject for event in sent}
    assert not {event.subject for event in stored} & {event.subject for event in told}
    for event in (*sent, *stored, *told):
        assert (event.relationship, event.acting_for, event.actor) == ("home", HOME, f"node-{HOME}")
        assert event.policy_version
        assert event.fields
    assert {event.reference for event in (*sent, *stored, *told)} == {sent[0].reference}


def test_the_logs_hold_no_identifier(federation: SmallFederation) -> None:
    """Neither end's database can be read for a pupil number, a child's id or a date of birth."""
    children = children_in_care(federation.node(HOME))
    claim(federation)
    for authority in federation.authorities:
        bodies = dump_database(federation.node(authority))
        assert bodies
        assert not [child for child in children if child.upn in bodies and not child.upn.startswith("UN")]
        assert not [child for child in children if child.born.isoformat() in bodies]
        assert not [child for child in children if re.search(rf"\b{child.la_child_id}\b", bodies)]


# --- The command line -------------------------------------------------------------------------------------------------


def run(*arguments: object) -> Any:
    done = CliRunner().invoke(node_command, [str(argument) for argument in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


def test_the_three_commands(federation: SmallFederation, monkeypatch: pytest.MonkeyPatch) -> None:
    """`claim` fills the record and builds it, `incomplete` names who is left, `claims` shows the host's officer."""
    relay = PaperRelay(federation)
    monkeypatch.setattr("federation.transport.connect_party", lambda party, clock: relay)
    monkeypatch.setattr("federation.transport.current_time", federation.clock)
    home, host = (federation.directory / f"node-{authority}" for authority in (HOME, HOST))
    first = federation.node(HOME).store.current()
    done = run("claim", "--state", home, "--term", str(TERM), "--wait", 1)
    current = federation.node(HOME).store.current()
    assert first is not None
    assert current is not None
    assert first.id != current.id
    assert current.id in done.stdout
    rows = json.loads(run("incomplete", "--state", home, "--format", "json").stdout)
    assert {row["la_child_id"]: row["reason"] for row in rows} == {
        child.la_child_id: child.reason.value for child in incomplete(federation).values()
    }
    lines = run("incomplete", "--state", home, "--term", str(TERM), "--format", "csv").stdout.splitlines()
    assert lines[0] == "la_child_id,year_group,host_authority,reason,code"
    assert len(lines) == len(rows) + 1
    assert f"{rows[0]['reason']}: " in run("incomplete", "--state", home).stderr
    (count,) = json.loads(run("claims", "--state", host, "--format", "json").stdout)
    assert (count["authority"], count["about"], count["most_in_term"]) == (HOME, str(TERM), 1500)
    assert count["claims"] >= count["matched"] > 0
    children = run("claims", "--state", host, "--children", "--format", "csv").stdout.splitlines()
    assert len(children) == count["children"] + 1
    upns = [child.upn for child in children_in_care(federation.node(HOME)) if not child.upn.startswith("UN")]
    assert not [upn for upn in upns if upn in "\n".join((*children, done.output, *lines))]


TERMS: dict[str, date] = {
    "202425-autumn": date(2024, 9, 1),
    "202425-spring": date(2025, 1, 1),
    "202425-summer": date(2025, 4, 1),
    "202526-autumn": date(2025, 9, 1),
}


@pytest.mark.parametrize(("name", "begins"), TERMS.items())
def test_a_term_begins_the_day_after_the_one_before_it_ends(name: str, begins: date) -> None:
    assert first_day(parse_term(name)) == begins
    assert str(term_of(begins)) == name
    assert str(term_of(begins - timedelta(days=1))) != name


@pytest.mark.parametrize("name", ["", "202425", "202425-winter", "202426-summer", "2024-summer", "0202425-summer"])
def test_what_is_no_term_is_refused(name: str) -> None:
    with pytest.raises(StateError, match="is no term"):
        parse_term(name)
