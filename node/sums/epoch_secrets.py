"""The secrets of an epoch at a node: prekey, roots of pairs, slots dealt, shares of others' slots; and their erasure.

A method called inside a transaction of the caller's joins it, so that a claim, what it is for and its entry in the
audit log are there together or not at all; nothing that depends on a claim may leave the node before that commits.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import msgspec

from federation.database import SqliteDatabase
from federation.envelope import Envelope
from federation.secure_sum.dealing import DealtSlot, KeptParcel, OwnSlot, SlotKey
from federation.secure_sum.messages import DealingBundle, Prekey, SumRoster
from federation.secure_sum.prekeys import SecretPrekey
from federation.secure_sum.rosters import roster_digest
from federation.wire import decode_document, encode_document

SECRET_TABLES = ("sum_own_prekeys", "sum_prekeys", "sum_roots", "sum_own_slots", "sum_parcels", "sum_rosters")
"""Tables of which an epoch's rows go when it is over."""


class EpochSecrets:
    """What one node holds of each epoch."""

    def __init__(self, database: SqliteDatabase, me: str) -> None:
        self._database, self._me = database, me

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The caller's own transaction where one is open, or one that commits at the end."""
        if self._database.connection.in_transaction:
            yield self._database.connection
        else:
            with self._database.transaction() as connection:
                yield connection

    def _one(self, query: str, *values: object) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._database.connection.execute(query, values).fetchone()
        return row

    def _all(self, query: str, *values: object) -> list[sqlite3.Row]:
        return self._database.connection.execute(query, values).fetchall()

    # --- Prekeys and pairs (P1 to P3) --------------------------------------------------------------------------------

    def keep_prekey(self, secret: SecretPrekey) -> None:
        """Keep the private half of this node's prekey of an epoch; the first one stays."""
        row = (secret.prekey.epoch, encode_document(secret.prekey), secret.x25519_seed, secret.ml_kem_seed)
        with self.writing() as connection:
            connection.execute("INSERT OR IGNORE INTO sum_own_prekeys VALUES (?, ?, ?, ?)", row)

    def find_prekey(self, epoch: str) -> SecretPrekey | None:
        """Return the private half of this node's prekey of an epoch."""
        row = self._one("SELECT * FROM sum_own_prekeys WHERE epoch = ?", epoch)
        if row is None:
            return None
        return SecretPrekey(decode_document(row["document"], Prekey), row["x25519_seed"], row["ml_kem_seed"])

    def keep_peer_prekeys(self, prekeys: Mapping[str, Prekey]) -> None:
        """Keep the verified prekeys of others; of each node and epoch the first one stays."""
        rows = [(each.epoch, node, encode_document(each)) for node, each in prekeys.items()]
        with self.writing() as connection:
            connection.executemany("INSERT OR IGNORE INTO sum_prekeys VALUES (?, ?, ?)", rows)

    def find_peer_prekeys(self, epoch: str) -> Mapping[str, Prekey]:
        """Return the verified prekeys of others in an epoch, by node."""
        rows = self._all("SELECT * FROM sum_prekeys WHERE epoch = ?", epoch)
        return {row["node"]: decode_document(row["document"], Prekey) for row in rows}

    def keep_pairings(self, epoch: str, roots: Mapping[str, bytes], outgoing: Mapping[str, Envelope]) -> None:
        """Keep roots together with the pairings that others need to work them out; of each peer the first one stays."""
        rows = [(epoch, peer, root, encode_document(outgoing[peer])) for peer, root in roots.items()]
        with self.writing() as connection:
            connection.executemany("INSERT OR IGNORE INTO sum_roots VALUES (?, ?, ?, ?)", rows)

    def find_pairings(self, epoch: str) -> tuple[Envelope, ...]:
        """Return the pairings that this node made in an epoch, to be sent again."""
        rows = self._all("SELECT pairing FROM sum_roots WHERE epoch = ? AND pairing IS NOT NULL ORDER BY peer", epoch)
        return tuple(decode_document(row["pairing"], Envelope) for row in rows)

    def keep_roots(self, epoch: str, roots: Mapping[str, bytes]) -> None:
        """Keep roots by peer; one that is there stays as it is."""
        with self.writing() as connection:
            rows = [(epoch, peer, root) for peer, root in roots.items()]
            connection.executemany("INSERT OR IGNORE INTO sum_roots VALUES (?, ?, ?, NULL)", rows)

    def find_roots(self, epoch: str) -> Mapping[str, bytes]:
        """Return the roots of an epoch by peer."""
        return {row["peer"]: row["root"] for row in self._all("SELECT * FROM sum_roots WHERE epoch = ?", epoch)}

    # --- Slots and shares (P4) ---------------------------------------------------------------------------------------

    def keep_roster(self, roster: SumRoster) -> None:
        """Keep a roster that slots are dealt for, to be found by its digest."""
        row = (roster_digest(roster), roster.epoch, encode_document(roster))
        with self.writing() as connection:
            connection.execute("INSERT OR IGNORE INTO sum_rosters VALUES (?, ?, ?)", row)

    def find_roster(self, digest: str) -> SumRoster | None:
        """Return the roster of a digest."""
        row = self._one("SELECT document FROM sum_rosters WHERE digest = ?", digest)
        return decode_document(row["document"], SumRoster) if row else None

    def keep_dealt_slot(self, epoch: str, dealt: DealtSlot) -> bool:
        """Keep a slot of this node's own, its share for itself and the bundle; False for one dealt or used before."""
        own = dealt.own
        keys = msgspec.json.encode(dict(own.slot_keys))
        row = (*_key(own.where), epoch, own.seed, keys, encode_document(dealt.bundle))
        used = "SELECT 1 FROM sum_slots_used WHERE roster_digest = ? AND slot = ?"
        with self.writing() as connection:
            if self._one(used, *_key(own.where)) is not None:
                return False
            taken = connection.execute("INSERT OR IGNORE INTO sum_own_slots VALUES (?, ?, ?, ?, ?, ?)", row).rowcount
            return taken == 1 and self.keep_parcel(epoch, dealt.kept)

    def find_bundle(self, where: SlotKey) -> DealingBundle | None:
        """Return what this node dealt for a slot, to be sent again."""
        row = self._one("SELECT bundle FROM sum_own_slots WHERE roster_digest = ? AND slot = ?", *_key(where))
        return decode_document(row["bundle"], DealingBundle) if row else None

    def find_own_slot(self, where: SlotKey) -> OwnSlot | None:
        """Return the secrets of an own slot; None once it is used."""
        row = self._one("SELECT * FROM sum_own_slots WHERE roster_digest = ? AND slot = ?", *_key(where))
        if row is None or row["seed"] is None:
            return None
        return OwnSlot(self._me, where, row["seed"], msgspec.json.decode(row["slot_keys"], type=dict[str, bytes]))

    def find_dealt(self, digest: str) -> frozenset[int]:
        """Return the slots of a roster that this node has dealt, used ones among them."""
        return frozenset(
            row["slot"] for row in self._all("SELECT slot FROM sum_own_slots WHERE roster_digest = ?", digest)
        )

    def count_own_slots(self, epoch: str) -> int:
        """Return how many slots this node has dealt in an epoch, used ones among them."""
        row = self._one("SELECT count(*) FROM sum_own_slots WHERE epoch = ?", epoch)
        return int(row[0]) if row else 0

    def keep_parcel(self, epoch: str, parcel: KeptParcel) -> bool:
        """Keep a dealer's parcel; False where a different one is there already."""
        row = (*_key(parcel.where), parcel.dealer, epoch, parcel.seed_share, parcel.unlock_share)
        with self.writing() as connection:
            if connection.execute("INSERT OR IGNORE INTO sum_parcels VALUES (?, ?, ?, ?, ?, ?)", row).rowcount == 1:
                return True
            return self.find_parcels(parcel.where).get(parcel.dealer) == parcel

    def find_parcels(self, where: SlotKey) -> Mapping[str, KeptParcel]:
        """Return the parcels of a slot by dealer, this node's own among them."""
        rows = self._all("SELECT * FROM sum_parcels WHERE roster_digest = ? AND slot = ?", *_key(where))
        return {row["dealer"]: KeptParcel(row["dealer"], where, row["seed_share"], row["unlock_share"]) for row in rows}

    def find_dealers(self, where: SlotKey) -> frozenset[str]:
        """Return whose parcels of a slot are here, without the secrets in them."""
        rows = self._all("SELECT dealer FROM sum_parcels WHERE roster_digest = ? AND slot = ?", *_key(where))
        return frozenset(row["dealer"] for row in rows)

    # --- Erasure -----------------------------------------------------------------------------------------------------

    def epochs(self) -> tuple[str, ...]:
        """Return the epochs of which something secret is here."""
        return tuple(row["epoch"] for row in self._all("SELECT epoch FROM sum_own_prekeys ORDER BY epoch"))

    def erase_epoch(self, epoch: str) -> None:
        """Erase every prekey, root, own slot, bundle, parcel and masked vector of an epoch."""
        with self.writing() as connection:
            for table in SECRET_TABLES:
                connection.execute(f"DELETE FROM {table} WHERE epoch = ?", (epoch,))  # noqa: S608 - our own tables
            connection.execute("UPDATE sum_attempts SET masked = NULL WHERE epoch = ?", (epoch,))


def _key(where: SlotKey) -> tuple[str, int]:
    return where.roster_digest, where.slot
