"""A lookup from end to end without a network: a virtual school head asks, other nodes decide, a relay carries pages.

The relay here is the adversary of interest: it keeps everything it carries, and can drop, repeat and swap pages.
"""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import duckdb
import msgspec
import pytest

from audit.event import Action, AuditEvent
from audit.log import read_entries
from federation.envelope import Envelope, decode_base64
from federation.exchange import Delivery, DeliveryKind, LookupBatch, LookupProgress, SealingKeyList
from federation.hub_line import HubUnreachable
from federation.lookups import (
    ANSWER_TYPE,
    REQUEST_TYPE,
    ChildRecord,
    LookupAnswer,
    LookupFailed,
    LookupKind,
    LookupOutcome,
    LookupRequest,
    sign_message,
)
from federation.sealing import MOST_PAGES, PAGE_ROOM, SEALED_BYTES, Direction, SealContext, seal_records
from federation.transport import encode_records
from federation.wire import whole_seconds
from node.lookups.answer_pages import CHILDREN_PER_PAGE, pages_of
from node.lookups.answering import answer_lookup, compose_answer, warm_up
from node.lookups.asking import ask_placed_here, collect_answers, list_others, open_answer
from node.lookups.command import format_result
from node.lookups.errand import LookupResult
from node.lookups.purpose import PurposeMissing
from node.service import Node
from node.unapproved import MOST_LOGGED
from policies.access_policy import MATRIX, AccessDenied
from tests.node.lookups.watched_relay import lengthen_names, place_children
from tests.own_policies import put_policy
from tests.small_federation import SmallFederation

ASKER = "203"
PURPOSE = "Termly review of children placed here"


@dataclass
class PaperRelay:
    """Carries pages to the nodes themselves, and keeps what it carried; `tamper` may change what a node sends back."""

    federation: SmallFederation
    silent: frozenset[str] = frozenset()
    tamper: Callable[[str, str], str] = lambda node, page: page
    requests: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    keys: list[Envelope] = field(default_factory=list)
    lookup_id: str = ""

    def publish_sealing_key(self, key: Envelope) -> None:
        self.keys.append(key)

    def fetch_sealing_keys(self) -> SealingKeyList:
        return SealingKeyList(keys=tuple(self.keys))

    def ask_lookup(self, batch: LookupBatch) -> None:
        self.lookup_id, self.requests = batch.lookup_id, batch.pages

    def deliver(self, node: str, page: str, lookup_id: str | None = None) -> str | None:
        delivery = Delivery(
            delivery_id=1,
            kind=DeliveryKind.LOOKUP,
            lookup_id=lookup_id or self.lookup_id,
            sender=f"node-{ASKER}",
            body=page,
        )
        sealed = answer_lookup(self.federation.node(node.removeprefix("node-")), delivery)
        return encode_records(sealed) if sealed is not None else None

    def fetch_lookup(self, lookup_id: str, *, wait: int, done: int = 0) -> LookupProgress:
        for node, page in self.requests.items():
            if node not in self.silent and (answer := self.deliver(node, page)):
                self.answers[node] = self.tamper(node, answer)
        awaited = tuple(sorted(set(self.requests) - set(self.answers)))
        return LookupProgress(
            lookup_id=lookup_id, answers=self.answers, awaited=awaited, last=len(self.answers), more=False
        )

    def finish_lookup(self, lookup_id: str) -> None:
        assert lookup_id == self.lookup_id


def ask(federation: SmallFederation, relay: PaperRelay, person: str = "vsh", purpose: str = PURPOSE) -> LookupResult:
    node = federation.node(ASKER)
    return ask_placed_here(node, relay, node.find_person(person), purpose, patience=1)


def events(node: Node, action: Action) -> list[AuditEvent]:
    return [entry.to_event() for entry in read_entries(node.database.connection, action=action)]


def sealed_request(
    federation: SmallFederation, authority: str = ASKER, purpose: str = PURPOSE, lookup_id: str = "L-" + "1" * 32
) -> str:
    """Return a request of the asking node to node 301, as its software could have made it."""
    node, other = federation.node(ASKER), federation.party("node-301")
    request = LookupRequest(
        lookup_id=lookup_id,
        kind=LookupKind.PLACED_HERE,
        sender=node.party.member_id,
        receiver="node-301",
        authority=authority,
        person="vsh",
        role="virtual_school_head",
        purpose=purpose,
        asked_at=whole_seconds(federation.clock()),
    )
    context = SealContext(lookup_id, request.sender, request.receiver, Direction.REQUEST)
    message = sign_message(request, REQUEST_TYPE, node.party.keys)
    return encode_records(seal_records(message, context, other.keys.public_sealing_key))


def hosted_children(federation: SmallFederation) -> set[tuple[str, str]]:
    """The naive answer: every other node's children in care now whose host is the asking authority."""
    found = set()
    for authority in federation.authorities:
        snapshot = federation.node(authority).store.current()
        assert snapshot is not None
        children = duckdb.sql(
            f"SELECT la_child_id FROM read_parquet('{snapshot.identified['children']}') "
            f"WHERE host_authority = '{ASKER}' AND care_start IS NOT NULL AND care_end IS NULL "
            "AND academic_year = 202425"
        )
        assert children is not None
        rows = children.fetchall()
        found |= {(authority, child) for (child,) in rows if authority != ASKER}
    return found


def test_what_another_node_tells_runs_nowhere(federation: SmallFederation) -> None:
    """A dishonest node's words, well signed: neither the terminal nor a spreadsheet does what they say."""
    result = ask(federation, PaperRelay(federation))
    (first, *_) = (answer for answer in result.answers if answer.children)
    child = msgspec.structs.replace(first.children[0], school="=1+1\x1b[2J", placement_type="-\nAnn")
    told = replace(result, answers=(msgspec.structs.replace(first, children=(child,)),))
    _, row = csv.reader(io.StringIO(format_result(told, "csv")))
    assert row[4] == "'=1+1\x1b[2J"
    assert row[5] == "'-\nAnn"
    heading, line = format_result(told, "table").splitlines()
    assert heading.startswith("home")
    assert "=1+1?[2J" in line
    assert "-?Ann" in line


def test_every_child_placed_here_is_found(federation: SmallFederation) -> None:
    """The answers together are exactly the children that the home authorities' own files place in our area."""
    result = ask(federation, PaperRelay(federation))
    found = {(answer.authority, str(child.la_child_id)) for answer in result.answers for child in answer.children}
    expected = hosted_children(federation)
    assert len(expected) >= 10
    assert found == expected
    assert result.missing == ()


def test_both_ends_log_every_child_under_one_lookup_id(federation: SmallFederation) -> None:
    """Who, for whom, why, which child by the log's own token, which fields, by which relationship and policy."""
    result = ask(federation, PaperRelay(federation))
    asked = [event for event in events(federation.node(ASKER), Action.LOOKUP_RECEIVED) if event.subject]
    answered = [
        event
        for authority in federation.authorities
        if authority != ASKER
        for event in events(federation.node(authority), Action.LOOKUP_ANSWERED)
        if event.subject
    ]
    assert len(asked) == len(answered) == len(hosted_children(federation))
    for event in asked + answered:
        assert (event.reference, event.purpose, event.relationship) == (result.lookup_id, PURPOSE, "host")
        assert event.actor == "vsh (virtual_school_head)"
        assert "upn" in event.fields
    assert not {event.subject for event in asked} & {event.subject for event in answered}


def test_the_relay_learns_nothing_from_pages(federation: SmallFederation) -> None:
    """A message has the pages of its sender's snapshot whatever it holds, none with an identifier in the clear."""
    relay = PaperRelay(federation)
    result = ask(federation, relay)
    matched = {len(answer.children) for answer in result.answers}
    assert len(matched) > 1, "authorities with different numbers of children, or the sizes below prove nothing"
    pages = [decode_base64(page) for page in (*relay.requests.values(), *relay.answers.values())]
    assert {len(decode_base64(page)) for page in relay.requests.values()} == {SEALED_BYTES}
    for name, page in relay.answers.items():
        node = federation.node(name.removeprefix("node-"))
        assert len(decode_base64(page)) == pages_of(node.store.current(), node.authority) * SEALED_BYTES
    upns = [child.upn for answer in result.answers for child in answer.children]
    identifiers = [upn for upn in upns if upn and len(upn) == 13]
    carried = b"".join(pages)
    assert identifiers
    # Words long enough that no random page holds one by chance, as a page may well hold three given letters.
    said = [*identifiers, PURPOSE, "virtual_school_head"]
    assert min(map(len, said)) >= 10
    assert not any(word.encode() in carried for word in said)


def test_a_silent_node_is_named(federation: SmallFederation) -> None:
    result = ask(federation, PaperRelay(federation, silent=frozenset({"node-316"})))
    assert [(missing.node, missing.authority) for missing in result.missing] == [("node-316", "316")]
    assert {answer.authority for answer in result.answers} == {"301", "317"}


def test_a_purpose_is_required(federation: SmallFederation) -> None:
    for purpose in ("", "   ", "about B801200005001"):
        relay = PaperRelay(federation)
        with pytest.raises(PurposeMissing):
            ask(federation, relay, purpose=purpose)
        assert relay.requests == {}


def test_a_role_without_the_right_sends_nothing(federation: SmallFederation) -> None:
    """The asker's own node refuses first."""
    relay = PaperRelay(federation)
    with pytest.raises(AccessDenied):
        ask(federation, relay, person="admin")
    assert relay.requests == {}


def test_the_home_authoritys_own_policy_decides(federation: SmallFederation) -> None:
    """One home authority lets a host's head read the education of its children and nothing else."""
    lines = [
        line
        for line in MATRIX.read_text().splitlines()
        if not line.startswith("p, virtual_school_head, host, read,") or "education" in line
    ]
    put_policy(federation.directory / "node-301", "\n".join(lines) + "\n")
    result = ask(federation, PaperRelay(federation))
    answers = {answer.authority: answer for answer in result.answers}
    assert answers["301"].fields == ("school",)
    assert {child.upn for child in answers["301"].children} <= {None}
    assert "upn" in answers["316"].fields


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (
            lambda federation: federation.change_rule("301", "placed_here = true", "placed_here = false"),
            "lookups_barred",
        ),
        (
            lambda federation: put_policy(
                federation.directory / "node-301",
                "\n".join(line for line in MATRIX.read_text().splitlines() if "virtual_school_head, host" not in line),
            ),
            "policy_denied",
        ),
    ],
    ids=["rules", "policy"],
)
def test_a_home_authority_may_refuse(
    federation: SmallFederation, spoil: Callable[[SmallFederation], object], code: str
) -> None:
    """A refusal is an answer of the same size, with a reason and whom to call; it is logged, and shows no child."""
    spoil(federation)
    relay = PaperRelay(federation)
    answers = {answer.authority: answer for answer in ask(federation, relay).answers}
    assert (answers["301"].outcome, answers["301"].code) == (LookupOutcome.REFUSED, code)
    assert answers["301"].contact
    assert answers["301"].children == ()
    assert len(decode_base64(relay.answers["node-301"])) == SEALED_BYTES
    assert events(federation.node("301"), Action.LOOKUP_REFUSED)[0].details["code"] == code


def test_a_repeated_request_gets_the_same_page_and_nothing_more(federation: SmallFederation) -> None:
    """An answer that was lost on the way is sent again as it was: nothing is looked up or logged a second time."""
    relay = PaperRelay(federation)
    ask(federation, relay)
    node = federation.node("301")
    logged = sum(1 for _ in read_entries(node.database.connection))
    assert relay.deliver("node-301", relay.requests["node-301"]) == relay.answers["node-301"]
    assert sum(1 for _ in read_entries(node.database.connection)) == logged


def test_the_same_request_in_another_page_is_refused(federation: SmallFederation) -> None:
    """A request that was taken in once is not answered anew, however it is sealed the second time."""
    relay = PaperRelay(federation)
    ask(federation, relay)
    page = sealed_request(federation, lookup_id=relay.lookup_id)
    relay.deliver("node-301", page)
    assert events(federation.node("301"), Action.LOOKUP_REFUSED)[0].details["code"] == "replayed"


def test_a_purpose_that_cannot_be_logged_is_refused(federation: SmallFederation) -> None:
    """Another node's software may let a pupil number into a purpose; it does not get into our log."""
    page = sealed_request(federation, purpose="about B801200005001")
    assert PaperRelay(federation).deliver("node-301", page, "L-" + "1" * 32) is not None
    refusal = events(federation.node("301"), Action.LOOKUP_REFUSED)[0]
    assert (refusal.details["code"], refusal.purpose) == ("not_loggable", "")


def test_an_old_request_is_refused(federation: SmallFederation) -> None:
    relay = PaperRelay(federation, silent=frozenset({"node-301"}))
    ask(federation, relay)
    federation.clock.move(timedelta(hours=1))
    relay.deliver("node-301", relay.requests["node-301"])
    assert events(federation.node("301"), Action.LOOKUP_REFUSED)[0].details["code"] == "stale"


@pytest.mark.parametrize("change", ["altered", "another node's", "another lookup's"])
def test_a_request_out_of_its_place_does_not_open(federation: SmallFederation, change: str) -> None:
    """Altered, meant for another node, or moved to another lookup: refused and logged as unreadable, without a name."""
    relay = PaperRelay(federation, silent=frozenset({"node-301"}))
    ask(federation, relay)
    page, lookup_id = relay.requests["node-301"], relay.lookup_id
    if change == "altered":
        page = page[:5000] + ("A" if page[5000] != "A" else "B") + page[5001:]
    elif change == "another node's":
        page = relay.requests["node-316"]
    else:
        lookup_id = "L-" + "0" * 32
    sealed = relay.deliver("node-301", page, lookup_id)
    asker = federation.node(ASKER)
    (other,) = [each for each in list_others(asker) if each.id == "node-301"]
    answer = open_answer(asker, lookup_id, other, sealed, LookupAnswer, ANSWER_TYPE)
    assert (answer.outcome, answer.code, answer.children) == (LookupOutcome.REFUSED, "unreadable", ())
    logged = events(federation.node("301"), Action.LOOKUP_REFUSED)[0]
    assert (logged.details["code"], logged.purpose, logged.reference) == ("unreadable", "", "")


def test_a_page_that_no_member_sent_is_not_answered(federation: SmallFederation) -> None:
    """There is nobody to seal an answer to: it is logged, and taken out of the inbox."""
    page = sealed_request(federation)
    for sender, lookup_id in (("node-999", "L-" + "1" * 32), (f"node-{ASKER}", "L-1\nnode-317")):
        delivery = Delivery(delivery_id=1, kind=DeliveryKind.LOOKUP, lookup_id=lookup_id, sender=sender, body=page)
        assert answer_lookup(federation.node("301"), delivery) is None
    refusals = events(federation.node("301"), Action.LOOKUP_REFUSED)
    assert [refusal.details["code"] for refusal in refusals] == ["unreadable", "unreadable"]


def test_pages_that_nobody_sealed_cannot_fill_the_log(federation: SmallFederation) -> None:
    """Each gets its answer, and only the first of an hour are written out: a hub can make up as many as it likes."""
    node, relay = federation.node("301"), PaperRelay(federation, silent=frozenset({"node-301"}))
    ask(federation, relay)
    before = len(events(node, Action.LOOKUP_REFUSED))
    for number in range(MOST_LOGGED + 10):
        lookup_id = f"L-{number:032x}"
        assert relay.deliver("node-301", relay.requests["node-301"], lookup_id)
    assert len(events(node, Action.LOOKUP_REFUSED)) == before + MOST_LOGGED
    federation.clock.move(timedelta(hours=1))
    relay.deliver("node-301", relay.requests["node-301"], f"L-{'a' * 32}")
    assert len(events(node, Action.LOOKUP_REFUSED)) == before + MOST_LOGGED + 1


def test_that_a_request_came_is_forgotten_after_a_day(federation: SmallFederation) -> None:
    """By then it is long out of date, and would be refused for that."""
    node, relay = federation.node("301"), PaperRelay(federation)
    for hours, remembered in ((0, 1), (23, 2), (2, 2)):
        federation.clock.move(timedelta(hours=hours))
        ask(federation, relay)
        (count,) = node.database.connection.execute("SELECT count(*) FROM lookups_seen").fetchone()
        assert count == remembered


def test_a_node_cannot_ask_for_another_authority(federation: SmallFederation) -> None:
    """A node that signs a request in another authority's name is refused: the register says whom it serves."""
    page = sealed_request(federation, authority="316")
    PaperRelay(federation).deliver("node-301", page, "L-" + "1" * 32)
    assert events(federation.node("301"), Action.LOOKUP_REFUSED)[0].details["code"] == "not_your_authority"


def test_an_answer_that_was_swapped_makes_its_node_a_missing_one(federation: SmallFederation) -> None:
    """The relay hands one node's answer over as another's: it does not open there."""
    first: list[str] = []

    def swap(node: str, page: str) -> str:
        first.append(page)
        return first[0]

    result = ask(federation, PaperRelay(federation, tamper=swap))
    assert [answer.authority for answer in result.answers] == ["301"]
    assert [missing.node for missing in result.missing] == ["node-316", "node-317"]


def test_the_logs_hold_no_identifier(federation: SmallFederation) -> None:
    """Neither end's log can be read for a pupil number, a child's id or a date of birth."""
    result = ask(federation, PaperRelay(federation))
    values = {
        value
        for answer in result.answers
        for child in answer.children
        for value in (child.upn, child.date_of_birth)
        if value
    }
    assert values
    for authority in federation.authorities:
        bodies = " ".join(
            json.dumps(entry.to_event().to_members())
            for entry in read_entries(federation.node(authority).database.connection)
        )
        assert not [value for value in values if value in bodies]


def test_more_children_than_a_page_holds_come_on_several(federation: SmallFederation) -> None:
    """The answer is whole, whatever the number; the node's other answers have as many pages."""
    place_children(federation, {ASKER: 2 * CHILDREN_PER_PAGE + 1})
    relay = PaperRelay(federation)
    answers = {answer.authority: answer for answer in ask(federation, relay).answers}
    assert len({child.la_child_id for child in answers["301"].children}) == 2 * CHILDREN_PER_PAGE + 1
    assert len(decode_base64(relay.answers["node-301"])) == 4 * SEALED_BYTES


def request_and_answer(federation: SmallFederation, children: int) -> tuple[Node, LookupAnswer]:
    """So many records, every field at its longest."""
    longest = ChildRecord(
        la_child_id="9" * 40,
        upn="B801200005001",
        date_of_birth="2010-01-01",
        school="9" * 12,
        placement_type="independent_or_supported",
        legal_status="interim_care_order",
        care_start="2010-01-01",
    )
    node = federation.node("301")
    asker = node.register().find(f"node-{ASKER}", federation.clock())
    fields = tuple(ChildRecord.__struct_fields__)
    return node, compose_answer(
        node,
        "L-" + "1" * 32,
        asker,
        children=[longest] * children,
        fields=fields,
        policy_version="0" * 64,
        snapshot="202425-summer-0123456789abcdef",
    )


@pytest.mark.parametrize("pages", [1, 2, 4, MOST_PAGES])
def test_the_longest_answer_fits_its_pages(federation: SmallFederation, pages: int) -> None:
    """As many records as are ever sent on so many pages."""
    node, answer = request_and_answer(federation, pages * CHILDREN_PER_PAGE)
    assert len(sign_message(answer, ANSWER_TYPE, node.party.keys)) <= pages * PAGE_ROOM


def test_an_answer_that_is_too_long_is_refused(federation: SmallFederation) -> None:
    """A record may be longer than any we foresaw. The log says that nothing left, and the answer has its pages."""
    place_children(federation, {ASKER: 2})
    lengthen_names(federation, 40_000)
    relay = PaperRelay(federation)
    answers = {answer.authority: answer for answer in ask(federation, relay).answers}
    assert (answers["301"].code, answers["301"].children) == ("answer_too_long", ())
    assert len(decode_base64(relay.answers["node-301"])) == SEALED_BYTES
    node = federation.node("301")
    assert events(node, Action.LOOKUP_ANSWERED) == []
    assert events(node, Action.LOOKUP_REFUSED)[0].details["code"] == "answer_too_long"


def test_a_warm_node_opens_nothing_anew_for_its_first_lookup(
    federation: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither policy nor page count: both would take longer than all the rest, and make the first answer late."""
    node = federation.node("301")
    warm_up(node)
    for name in ("node.lookups.answer_pages.count_educated_elsewhere", "node.service.AccessPolicy.load"):
        monkeypatch.setattr(name, lambda *_: pytest.fail("read anew"))
    assert PaperRelay(federation).deliver("node-301", sealed_request(federation), "L-" + "1" * 32) is not None
    assert events(node, Action.LOOKUP_ANSWERED)


# --- At the asking end -----------------------------------------------------------------------------------------------


def test_nothing_is_opened_before_the_lookup_is_over_at_the_hub(
    federation: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the hub could tell from the time of the last request how much there was to read and to log."""
    happened: list[str] = []
    relay = PaperRelay(federation)
    monkeypatch.setattr(relay, "finish_lookup", lambda _: happened.append("over"))

    def open_nothing(*_: object) -> LookupAnswer:
        happened.append("opened")
        raise LookupFailed("not this time")

    monkeypatch.setattr("node.lookups.asking.open_answer", open_nothing)
    ask(federation, relay)
    assert happened == ["over", "opened", "opened", "opened"]


@dataclass
class Batches:
    """A hub that hands out what it is told to, in turn, and notes what is acknowledged."""

    script: list[LookupProgress | Exception]
    acknowledged: list[int] = field(default_factory=list)
    over: int = 0

    def ask_lookup(self, batch: LookupBatch) -> None:
        pass

    def fetch_lookup(self, lookup_id: str, *, wait: int, done: int = 0) -> LookupProgress:
        self.acknowledged.append(done)
        found = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(found, Exception):
            raise found
        return found

    def finish_lookup(self, lookup_id: str) -> None:
        self.over += 1
        raise HubUnreachable("the hub does not answer")


def progress(*nodes: str, last: int, awaited: tuple[str, ...] = (), more: bool = False) -> LookupProgress:
    answers = {node: f"{node} {last}" for node in nodes}
    return LookupProgress(lookup_id="L-1", answers=answers, awaited=awaited, last=last, more=more)


ASKED = LookupBatch(lookup_id="L-1", pages={"a": "", "b": "", "c": ""})


def test_answers_are_fetched_until_all_are_here() -> None:
    """What has arrived is acknowledged with the next request, a lost one is repeated, and the end need not be heard."""
    lost = HubUnreachable("the hub does not answer")
    hub = Batches([progress("b", last=1, awaited=("c",), more=True), lost, progress("a", "c", last=3)])
    assert collect_answers(hub, ASKED, patience=20) == {"b": "b 1", "a": "a 3", "c": "c 3"}
    assert hub.acknowledged == [0, 1, 1]
    assert hub.over == 1


def test_a_full_document_does_not_use_up_the_patience() -> None:
    """The hub hands out what fills one though others are still awaited, and nothing more is there just then."""
    full = progress("a", "b", last=2, awaited=("c",))
    hub = Batches([full, progress("c", last=3)])
    assert collect_answers(hub, ASKED, patience=20, now=lambda: 0.0).keys() == {"a", "b", "c"}


def test_patience_ends_by_the_clock() -> None:
    """However many answers come in one by one."""
    moments = iter([0.0, 9.0, 21.0])
    hub = Batches([progress("a", last=1, awaited=("b", "c")), progress("b", last=2, awaited=("c",))])
    assert collect_answers(hub, ASKED, patience=20, now=lambda: next(moments)).keys() == {"a", "b"}
    assert hub.acknowledged == [0, 1]


def test_a_hub_that_is_away_is_not_asked_for_ever() -> None:
    hub = Batches([HubUnreachable("the hub does not answer")])
    with pytest.raises(HubUnreachable):
        collect_answers(hub, ASKED, patience=20)
    assert len(hub.acknowledged) == 2


@pytest.mark.parametrize(
    "said",
    [
        progress(last=0, more=True),
        progress("a", last=1, more=True),
        progress("nobody", last=9, more=True),
        progress("a", last=1, awaited=("b", "c")),
    ],
    ids=["more, and nothing comes", "the same over and over", "of nodes that were not asked", "others never come"],
)
def test_a_hub_that_plays_for_time_is_left_when_patience_ends(said: LookupProgress) -> None:
    hub = Batches([said])
    assert collect_answers(hub, ASKED, patience=60).keys() <= {"a"}
    assert len(hub.acknowledged) <= 4


def test_the_first_answer_of_a_node_counts() -> None:
    hub = Batches([progress("a", last=1, awaited=("b",), more=True), progress("a", "b", "c", last=9)])
    assert collect_answers(hub, ASKED, patience=20) == {"a": "a 1", "b": "b 9", "c": "c 9"}
