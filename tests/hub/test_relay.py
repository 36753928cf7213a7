"""The relay of lookups: who may see which page, and that nothing of them is left."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from audit.log import read_entries
from federation import database
from federation.exchange import Inbox, LookupBatch
from federation.problems import ProblemRaised
from federation.sealing import MOST_PAGES, SEALED_BYTES, SealedRecords
from federation.transport import decode_records, encode_records
from federation.wire import decode_document
from hub.dispatch import read_inbox
from hub.relay import (
    LOOKUP_VALIDITY,
    MOST_OPEN,
    accept_answer,
    acknowledge_answers,
    close_lookup,
    is_ready,
    open_lookup,
    read_progress,
)
from hub.service import open_hub
from hub.settling import settle_due
from hub.sightings import list_sightings
from tests.hub.callers import assert_problem, gather
from tests.hub.played_federation import PlayedFederation

ASKER, ASKED, OTHER = "node-301", "node-302", "node-303"
LOOKUP, OTHER_LOOKUP = "L-" + "5a" * 16, "L-" + "a5" * 16
REQUEST, ANSWER = b"a sealed request", b"a sealed answer"


def page(mark: bytes, length: int = SEALED_BYTES) -> bytes:
    """A page that can be found again in a file."""
    return (mark * length)[:length]


def batch(*receivers: str, lookup_id: str = LOOKUP) -> LookupBatch:
    return LookupBatch(
        lookup_id=lookup_id, pages={node: encode_records(SealedRecords(page(REQUEST))) for node in receivers}
    )


@pytest.fixture
def lookup(federation: PlayedFederation) -> str:
    """A lookup that node-301 asks of the two others."""
    open_lookup(federation.hub, federation.member(ASKER), batch(ASKED, OTHER))
    return LOOKUP


def refusal_of(call: object, *arguments: object) -> tuple[int, str]:
    assert callable(call)
    with pytest.raises(ProblemRaised) as refused:
        call(*arguments)
    return refused.value.problem.status, refused.value.problem.code


in_a_file = pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
"""What concerns the files that SQLite keeps; a server's are its own."""


def files_of(federation: PlayedFederation) -> list[Path]:
    """The hub's database and everything that SQLite keeps beside it."""
    party = federation.hub.party
    return list(party.directory.glob(f"{party.database.name}*"))


def is_kept(federation: PlayedFederation, mark: bytes) -> bool:
    """Whether a page's bytes are anywhere in the database: in its files, or in the tables of a server."""
    if files := files_of(federation):
        return any(mark * 4 in file.read_bytes() for file in files)
    read = federation.hub.database.connection.execute
    tables = ("SELECT body FROM deliveries", "SELECT pages FROM lookup_answers WHERE pages IS NOT NULL")
    return any(mark * 4 in bytes(data) for statement in tables for (data,) in read(statement))


def test_each_receiver_finds_its_page_and_the_asker_the_answers(federation: PlayedFederation, lookup: str) -> None:
    """One page each; a node that has answered has nothing waiting any more."""
    hub = federation.hub
    (delivery,) = read_inbox(hub, federation.member(ASKED), federation.clock()).deliveries
    assert (delivery.lookup_id, delivery.sender, decode_records(delivery.body).data) == (lookup, ASKER, page(REQUEST))
    accept_answer(hub, federation.member(ASKED), lookup, page(ANSWER))
    progress = read_progress(hub, federation.member(ASKER), lookup)
    assert progress.answers == {ASKED: encode_records(SealedRecords(page(ANSWER)))}
    assert progress.awaited == (OTHER,)
    assert not is_ready(hub, lookup)
    assert read_inbox(hub, federation.member(ASKED), federation.clock()).deliveries == ()
    accept_answer(hub, federation.member(OTHER), lookup, page(ANSWER))
    assert is_ready(hub, lookup)


@pytest.mark.parametrize("node", [ASKED, OTHER])
def test_nobody_but_the_asker_reads_or_ends_a_lookup(federation: PlayedFederation, lookup: str, node: str) -> None:
    """To a node that was asked, as to one that was not, it is as if there were none."""
    member = federation.member(node)
    unknown = refusal_of(read_progress, federation.hub, member, f"L-{'0' * 32}")
    assert refusal_of(read_progress, federation.hub, member, lookup) == unknown == (404, "lookup_unknown")
    assert refusal_of(close_lookup, federation.hub, member, lookup) == (404, "lookup_unknown")
    assert read_progress(federation.hub, federation.member(ASKER), lookup).awaited == (ASKED, OTHER)


def test_waiting_for_anothers_lookup_is_refused_at_once(federation: PlayedFederation, lookup: str) -> None:
    """The line is not held, so its length tells nobody whether there is such a lookup."""
    callers = gather(federation)
    federation.hub.bell.wait_until = lambda *_, **__: pytest.fail("the line was held")  # type: ignore[method-assign]
    for lookup_id in (lookup, f"L-{'0' * 32}"):
        response = callers.call(ASKED, "GET", f"/federation/lookups/{lookup_id}?wait=25")
        assert_problem(response, 404, "lookup_unknown")


def test_a_node_that_was_not_asked_cannot_answer(federation: PlayedFederation) -> None:
    open_lookup(federation.hub, federation.member(ASKER), batch(ASKED))
    for node in (OTHER, ASKER):
        refusal = refusal_of(accept_answer, federation.hub, federation.member(node), LOOKUP, page(ANSWER))
        assert refusal == (404, "lookup_unknown")
    assert read_progress(federation.hub, federation.member(ASKER), LOOKUP).answers == {}


def test_the_first_answer_counts(federation: PlayedFederation, lookup: str) -> None:
    """Another by the same node is no error, and changes nothing."""
    for mark in (ANSWER, b"a second answer"):
        accept_answer(federation.hub, federation.member(ASKED), lookup, page(mark))
    answers = read_progress(federation.hub, federation.member(ASKER), lookup).answers
    assert answers == {ASKED: encode_records(SealedRecords(page(ANSWER)))}


TOO_MANY = (MOST_PAGES + 1) * SEALED_BYTES


def test_an_answer_is_the_next_poll_as_well(federation: PlayedFederation, lookup: str) -> None:
    """The node that hands it in is handed what waits for it by then, and is seen to be here, as by a poll."""
    open_lookup(federation.hub, federation.member(OTHER), batch(ASKED, lookup_id=OTHER_LOOKUP))
    path = f"/federation/lookups/{lookup}/answer?wait=0"
    response = gather(federation).call(ASKED, "POST", path, page(ANSWER))
    inbox = decode_document(response.data, Inbox)
    assert [each.lookup_id for each in inbox.deliveries] == [OTHER_LOOKUP]
    assert list(read_progress(federation.hub, federation.member(ASKER), lookup).answers) == [ASKED]
    seen = {each.node.id for each in list_sightings(federation.hub, federation.hub.clock()) if each.seen_at}
    assert seen == {ASKED}


@pytest.mark.parametrize("length", [0, 1, SEALED_BYTES - 1, SEALED_BYTES + 1, TOO_MANY])
def test_a_page_of_another_size_is_refused(federation: PlayedFederation, lookup: str, length: int) -> None:
    """Every page has the one size, in requests and in answers."""
    asked = federation.member(ASKED)
    wrong = page(ANSWER, length)
    assert refusal_of(accept_answer, federation.hub, asked, lookup, wrong) == (400, "page_malformed")
    spoilt = LookupBatch(lookup_id=f"L-{'1' * 32}", pages={ASKED: encode_page_of(wrong)})
    assert refusal_of(open_lookup, federation.hub, federation.member(ASKER), spoilt) == (400, "page_malformed")


def test_a_request_is_one_page(federation: PlayedFederation) -> None:
    spoilt = LookupBatch(lookup_id=LOOKUP, pages={ASKED: encode_page_of(page(REQUEST, 2 * SEALED_BYTES))})
    assert refusal_of(open_lookup, federation.hub, federation.member(ASKER), spoilt) == (400, "page_malformed")


def encode_page_of(content: bytes) -> str:
    import base64

    return base64.b64encode(content).decode()


@pytest.mark.parametrize(
    ("receivers", "refusal"),
    [
        ((), (422, "receiver_unknown")),
        ((ASKER,), (422, "receiver_unknown")),
        ((ASKED, "cho"), (422, "receiver_unknown")),
        ((ASKED, "node-999"), (422, "receiver_unknown")),
        ((ASKED, "\0"), (422, "receiver_unknown")),
    ],
)
def test_a_lookup_addresses_other_active_nodes(
    federation: PlayedFederation, receivers: tuple[str, ...], refusal: tuple[int, str]
) -> None:
    assert refusal_of(open_lookup, federation.hub, federation.member(ASKER), batch(*receivers)) == refusal
    assert read_inbox(federation.hub, federation.member(ASKED), federation.clock()).deliveries == ()


def test_a_lookup_is_asked_once(federation: PlayedFederation, lookup: str) -> None:
    """Nobody, the asker included, can ask under an id that is taken: the pages in it stay as they are."""
    for node, receiver in ((ASKER, ASKED), (OTHER, ASKED)):
        refusal = refusal_of(open_lookup, federation.hub, federation.member(node), batch(receiver))
        assert refusal == (409, "lookup_repeated")
    assert len(read_inbox(federation.hub, federation.member(ASKED), federation.clock()).deliveries) == 1


def test_an_answer_is_handed_out_until_it_is_acknowledged(federation: PlayedFederation, lookup: str) -> None:
    """Also by a hub that was restarted meanwhile; then it is gone, and the answered node stays answered."""
    hub, asker = federation.hub, federation.member(ASKER)
    accept_answer(hub, federation.member(ASKED), lookup, page(ANSWER, 2 * SEALED_BYTES))
    first = read_progress(hub, asker, lookup)
    assert (first.last, first.more, first.awaited) == (1, False, (OTHER,))
    restarted = open_hub(hub.party.directory, federation.clock)
    assert read_progress(restarted, asker, lookup) == first
    acknowledge_answers(restarted, asker, lookup, first.last)
    after = read_progress(hub, asker, lookup)
    assert (after.answers, after.awaited) == ({}, (OTHER,))
    accept_answer(hub, federation.member(ASKED), lookup, page(b"the same once more"))
    assert read_progress(hub, asker, lookup) == after


def test_what_came_in_since_is_not_acknowledged(federation: PlayedFederation, lookup: str) -> None:
    """The asker names the last answer that it has; one that comes in before it says so stays."""
    hub, asker = federation.hub, federation.member(ASKER)
    accept_answer(hub, federation.member(OTHER), lookup, page(ANSWER))
    had = read_progress(hub, asker, lookup).last
    accept_answer(hub, federation.member(ASKED), lookup, page(b"a later answer"))
    acknowledge_answers(hub, asker, lookup, had)
    assert set(read_progress(hub, asker, lookup).answers) == {ASKED}


@pytest.mark.parametrize("done", [0, 1])
def test_no_page_is_left_in_any_file_once_it_is_acknowledged(
    federation: PlayedFederation, lookup: str, done: int
) -> None:
    """Though the lookup is still open: nothing of the answer, nor of the request that it was to."""
    accept_answer(federation.hub, federation.member(ASKED), lookup, page(ANSWER, 3 * SEALED_BYTES))
    acknowledge_answers(federation.hub, federation.member(ASKER), lookup, done)
    assert is_kept(federation, ANSWER) == (done == 0)
    federation.hub.database.connection.execute("DELETE FROM deliveries WHERE receiver = ?", (OTHER,))
    federation.hub.database.erase_deleted()
    assert not is_kept(federation, REQUEST)


def test_nobody_but_the_asker_acknowledges(federation: PlayedFederation, lookup: str) -> None:
    accept_answer(federation.hub, federation.member(ASKED), lookup, page(ANSWER))
    for node in (ASKED, OTHER):
        refusal = refusal_of(acknowledge_answers, federation.hub, federation.member(node), lookup, 1)
        assert refusal == (404, "lookup_unknown")
    assert is_kept(federation, ANSWER)


def test_what_does_not_go_into_one_document_is_handed_out_next(
    federation: PlayedFederation, lookup: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many answers as the bound of pages lets through, oldest first, and always one."""
    hub, asker = federation.hub, federation.member(ASKER)
    accept_answer(hub, federation.member(OTHER), lookup, page(ANSWER, 3 * SEALED_BYTES))
    monkeypatch.setattr("hub.relay.PAGES_AT_ONCE", 3)
    assert is_ready(hub, lookup), "there is as much here as is handed out, and nothing to wait for"
    accept_answer(hub, federation.member(ASKED), lookup, page(ANSWER, 4 * SEALED_BYTES))
    first = read_progress(hub, asker, lookup)
    assert (set(first.answers), first.last, first.more, first.awaited) == ({OTHER}, 1, True, ())
    acknowledge_answers(hub, asker, lookup, first.last)
    second = read_progress(hub, asker, lookup)
    assert (set(second.answers), second.last, second.more) == ({ASKED}, 2, False)


def test_the_door_deletes_what_is_acknowledged(federation: PlayedFederation, lookup: str) -> None:
    callers, place = gather(federation), f"/federation/lookups/{lookup}"
    accept_answer(federation.hub, federation.member(ASKED), lookup, page(ANSWER))
    assert callers.call(ASKER, "GET", place).json["answers"].keys() == {ASKED}  # type: ignore[index]
    assert callers.call(ASKER, "GET", f"{place}?wait=0&done=1").json["answers"] == {}  # type: ignore[index]
    assert not is_kept(federation, ANSWER)
    for nonsense in ("-1", "x", "1.0", "+1", "9" * 30):
        assert_problem(callers.call(ASKER, "GET", f"{place}?done={quote(nonsense)}"), 400, "malformed")


def test_one_node_cannot_fill_the_hub_with_lookups(federation: PlayedFederation) -> None:
    """Past the bound it has to finish one, or wait until they have expired; others are not held up."""
    member = federation.member(ASKER)
    ids = [f"L-{number:032x}" for number in range(MOST_OPEN + 1)]
    for lookup_id in ids[:-1]:
        open_lookup(federation.hub, member, batch(ASKED, lookup_id=lookup_id))
    last = batch(ASKED, lookup_id=ids[-1])
    assert refusal_of(open_lookup, federation.hub, member, last) == (429, "lookups_open")
    open_lookup(federation.hub, federation.member(OTHER), batch(ASKED))
    close_lookup(federation.hub, member, ids[0])
    open_lookup(federation.hub, member, last)


@pytest.mark.parametrize("end", ["finished", "expired"])
def test_no_page_is_left_in_any_file(federation: PlayedFederation, lookup: str, end: str) -> None:
    """Neither in the tables nor in freed pages nor in the write-ahead log; the answered and the unanswered alike."""
    accept_answer(federation.hub, federation.member(ASKED), lookup, page(ANSWER))
    assert is_kept(federation, ANSWER)
    assert is_kept(federation, REQUEST)
    if end == "finished":
        close_lookup(federation.hub, federation.member(ASKER), lookup)
    else:
        federation.clock.advance(LOOKUP_VALIDITY)
        settle_due(federation.hub, federation.clock())
    assert not is_kept(federation, ANSWER)
    assert not is_kept(federation, REQUEST)
    assert read_inbox(federation.hub, federation.member(OTHER), federation.clock()).deliveries == ()


@in_a_file
def test_a_long_reader_is_not_waited_for(
    federation: PlayedFederation, lookup: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lookup is over for all that; what is left of it goes with the next one that ends."""
    monkeypatch.setattr(database, "ERASING_SECONDS", 0)
    with closing(sqlite3.connect(federation.hub.party.database, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM lookup_answers").fetchone()
        close_lookup(federation.hub, federation.member(ASKER), lookup)
        assert is_kept(federation, REQUEST)
    open_lookup(federation.hub, federation.member(ASKER), batch(ASKED))
    close_lookup(federation.hub, federation.member(ASKER), LOOKUP)
    assert not is_kept(federation, REQUEST)


def test_an_expired_lookup_is_over(federation: PlayedFederation, lookup: str) -> None:
    """Before its pages are deleted too: nobody answers it, reads it, or finds it waiting."""
    federation.clock.advance(LOOKUP_VALIDITY)
    hub = federation.hub
    late = refusal_of(accept_answer, hub, federation.member(ASKED), lookup, page(ANSWER))
    assert late == refusal_of(read_progress, hub, federation.member(ASKER), lookup) == (404, "lookup_unknown")
    assert read_inbox(hub, federation.member(ASKED), federation.clock()).deliveries == ()


def test_the_log_holds_the_lookups_id_alone(federation: PlayedFederation, lookup: str) -> None:
    """Neither who asked nor who was asked nor who answered: one entry, by the hub."""
    accept_answer(federation.hub, federation.member(ASKED), lookup, page(ANSWER))
    close_lookup(federation.hub, federation.member(ASKER), lookup)
    (entry,) = read_entries(federation.hub.database.connection, reference=lookup)
    event = entry.to_event()
    assert (event.action, event.actor, dict(event.details)) == ("lookup.relayed", "hub", {})
    assert (event.acting_for, event.purpose, event.subject, event.fields) == ("", "", "", ())
    logged = [entry.to_event() for entry in read_entries(federation.hub.database.connection)]
    assert not {ASKER, ASKED, OTHER} & {event.actor for event in logged}


def test_a_lookup_lasts_ten_minutes() -> None:
    """Long enough for a node that polls, short enough that nothing lies about."""
    assert timedelta(minutes=10) == LOOKUP_VALIDITY
