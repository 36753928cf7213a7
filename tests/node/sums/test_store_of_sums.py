"""The node's store of sums, on disk: it answers as the plainest store in memory does, whatever it is asked."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.log import AuditLog
from federation.database import LogSigner, SqliteDatabase
from federation.envelope import Envelope, Signature
from federation.secure_sum.contributor_store import (
    ContributorStore,
    ExactLock,
    KeptContribution,
    RevealClaim,
    ShareKind,
    SlotUse,
)
from federation.secure_sum.dealing import DealtSlot, KeptParcel, OwnSlot, SlotKey
from federation.secure_sum.memory_store import MemoryStore
from federation.secure_sum.messages import Attempt, DealingBundle
from federation.state import Party, create_party, make_profile
from node.service import SCHEMAS
from node.sums.epoch_secrets import SECRET_TABLES
from node.sums.store import SumStore

EPOCH = "2026-w10"
END = datetime(2026, 3, 2, 10, tzinfo=UTC)
MANIFESTS = [letter * 64 for letter in "ab"]
ROSTERS = [letter * 64 for letter in "cd"]
NODES = ("node-203", "node-301")
WHERE = [SlotKey(roster, slot) for roster in ROSTERS for slot in (1, 2)]
BUNDLE = DealingBundle(header=Envelope(payload="", payload_type="t"), sealed_list="", leaves=(), parcels=())

NUMBERS = count()
Act = Callable[[ContributorStore], object]


def attempt_of(manifest: str, number: int, where: SlotKey) -> Attempt:
    return Attempt(
        manifest_digest=manifest,
        number=number,
        epoch=EPOCH,
        roster_digest=where.roster_digest,
        slot=where.slot,
        expires_at=END,
    )


@st.composite
def acts(draw: st.DrawFn) -> Act:
    """One thing that a node may ask of its store."""
    manifest, number = draw(st.sampled_from(MANIFESTS)), draw(st.sampled_from((1, 2)))
    where, word = draw(st.sampled_from(WHERE)), draw(st.sampled_from("xy"))
    kinds = {node: draw(st.sampled_from(list(ShareKind))) for node in NODES}
    survivors = draw(st.sampled_from((NODES, NODES[:1])))
    lock = ExactLock("202425-summer", survivors, "s" + word, manifest, number, where.roster_digest)
    claim = RevealClaim(manifest, number, where, word * 64, kinds, lock if draw(st.booleans()) else None)
    kept = KeptContribution(
        attempt_of(manifest, number, where),
        "s" + word,
        Envelope(payload=word, payload_type="t"),
        word.encode(),
        Signature(keyid="node-301", sig=word),
    )
    own = OwnSlot("node-301", where, word.encode() * 32, {"node-203": word.encode()})
    parcel = KeptParcel("node-203", where, word.encode(), b"u")
    dealt = DealtSlot(own, replace(parcel, dealer="node-301"), BUNDLE)
    chosen: Act = draw(
        st.sampled_from(
            (
                lambda store: store.claim_slot(SlotUse(where, manifest, number, END)),
                lambda store: store.claim_survivors(manifest, number, word * 64),
                lambda store: store.claim_reveal(claim),
                lambda store: store.claim_abort(manifest, number),
                lambda store: store.release_exact_lock(lock),
                lambda store: store.record_contribution(kept),
                lambda store: store.keep_roots(EPOCH, {"node-203": word.encode()}),
                lambda store: store.keep_parcel(EPOCH, parcel),
                lambda store: store.keep_dealt_slot(EPOCH, dealt),
                lambda store: store.erase_epoch(EPOCH),
                lambda store: store.erase_epoch("2026-w11"),
            )
        )
    )
    return chosen


def everything(store: ContributorStore) -> list[object]:
    """All that a store can be asked about."""
    attempts = [(manifest, number) for manifest in MANIFESTS for number in (1, 2)]
    return [
        # Without its vector, which goes with the epoch, a contribution is none that could be sent again.
        *(sent if sent and sent.masked else None for sent in (store.find_contribution(*each) for each in attempts)),
        *(store.is_aborted(*attempt) for attempt in attempts),
        *(sorted(store.find_uses(manifest), key=lambda use: use.attempt) for manifest in MANIFESTS),
        *(store.find_reveal(manifest) for manifest in MANIFESTS),
        *(store.find_own_slot(where) for where in WHERE),
        *(store.find_bundle(where) for where in WHERE),
        *(dict(store.find_parcels(where)) for where in WHERE),
        dict(store.find_roots(EPOCH)),
        store.find_exact_lock("202425-summer"),
    ]


@pytest.fixture
def party(tmp_path: Path) -> Party:
    profile = make_profile(
        member_id="node-301",
        kind="node",
        title="A node",
        organisation="la-301",
        organisation_kind="authority",
        operator="la-301",
        authorities=("301",),
    )
    return create_party(tmp_path / "state", profile)


def open_store(party: Party, name: str) -> SumStore:
    """A store in a file of its own."""
    schema = ";\n".join(path.read_text() for path in SCHEMAS)
    log = AuditLog(party.member_id, LogSigner(party))
    return SumStore(SqliteDatabase(party.directory / name, schema, log), party.member_id)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(acts(), max_size=25))
def test_the_store_on_disk_is_the_store_in_memory(party: Party, asked: list[Act]) -> None:
    """Answer for answer; and everything is there again when the file is opened anew."""
    name = f"{next(NUMBERS)}.sqlite"
    disk, memory = open_store(party, name), MemoryStore()
    for act in asked:
        assert act(disk) == act(memory)
        assert everything(disk) == everything(memory)
    assert everything(open_store(party, name)) == everything(memory)


def test_figures_are_kept_once(party: Party) -> None:
    """The noise that was drawn first is the noise of every attempt."""
    store = open_store(party, "figures.sqlite")
    assert list(store.keep_figures("a" * 64, END, [1, 2**64 - 1])) == [1, 2**64 - 1]
    assert list(store.keep_figures("a" * 64, END, [3, 4])) == [1, 2**64 - 1]
    assert not store.has_figures_over(END.replace(hour=9))
    assert store.has_figures_over(END)
    store.erase_figures(END)
    assert store.find_figures("a" * 64) is None


def test_every_secret_of_an_epoch_is_erased_by_its_epoch(party: Party) -> None:
    """A table with an epoch is a table of secrets, or the record of attempts, whose vectors go."""
    connection = open_store(party, "tables.sqlite")._database.connection
    tables = [row["name"] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    dated = {
        table
        for table in tables
        if any(row["name"] == "epoch" for row in connection.execute(f"PRAGMA table_info({table})"))
    }
    assert dated == {*SECRET_TABLES, "sum_attempts"}


def test_a_claim_inside_a_transaction_goes_with_it(party: Party) -> None:
    """What was to be recorded beside it was not, so neither was the claim."""
    store = open_store(party, "rolled-back.sqlite")
    use = SlotUse(WHERE[0], MANIFESTS[0], 1, END)
    with pytest.raises(RuntimeError):
        _claim_and_fail(store, use)
    assert store.find_uses(MANIFESTS[0]) == ()


def _claim_and_fail(store: SumStore, use: SlotUse) -> None:
    with store.writing():
        assert store.claim_slot(use)
        raise RuntimeError
