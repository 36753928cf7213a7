"""What nodes and hub hand each other for secure sums: the body of every delivery and of every door.

Signed statements (prekeys, pairings, contributions, survivors, reveals, aborts) travel as the envelopes that they were
signed in, and dealt parcels as the bytes that the protocol wrote: what they mean and whether they hold is for
`federation.secure_sum` to say. These documents only carry them, each in its one encoding and none larger than it needs.

| delivery | body | answered at the door |
|---|---|---|
| `prekeys_wanted` | `PrekeyWanted` | `/federation/prekeys`, an envelope |
| `prekeys` | `PrekeysOffered` | `/federation/pairings`, `PairingsHandedIn` |
| `pairings` | `PairingsOffered` | |
| `deal` | `DealWanted` | `/federation/dealings`, `DealingsHandedIn` |
| `parcels` | `ParcelsOffered` | |
| `sum` | `SumWanted` | `/federation/sums/<digest>/contribution`, `ContributionHandedIn` |
| `survivors` | `StatementOffered` | `/federation/sums/<digest>/survivors`, `StatementSigned` |
| `opening` | `StatementOffered` | `/federation/sums/<digest>/reveal`, an envelope |
| `abort` | `AbortWanted` | `/federation/sums/<digest>/abort`, `StatementSigned` |

A node that refuses a sum hands in a signed refusal at `/federation/replies`, as for any other manifest. What it cannot
accept from another node (a pairing that is missing, a false parcel) it answers with a signed complaint of
`federation.secure_sum` at `/federation/complaints`, and whatever it is about is not used.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

import msgspec

from federation.envelope import Envelope, Signature
from federation.exchange import DeliveryKind
from federation.secure_sum.messages import Certificate, Epoch, Slot
from federation.sum_terms import MOST_NODES
from federation.wire import Digest, Document, Name

PREKEYS_DOOR, PAIRINGS_DOOR, DEALINGS_DOOR, COMPLAINTS_DOOR = "prekeys", "pairings", "dealings", "complaints"
"""Where a node hands in what it makes ahead of any question: words after `/federation/`."""

MOST_SLOTS = 64
"""Slots that are dealt at once, at most."""

MOST_EARLIER = 8
"""Certificates of other terms that go along with a sum, at most."""

Envelopes = Annotated[tuple[Envelope, ...], msgspec.Meta(max_length=MOST_NODES)]


class PrekeyWanted(Document, frozen=True):
    """The hub asks for this node's prekey of an epoch."""

    epoch: Epoch


class PrekeysOffered(Document, frozen=True):
    """The signed prekeys of every node in an epoch."""

    epoch: Epoch
    prekeys: Envelopes


class PairingsHandedIn(Document, frozen=True):
    """What a node has encapsulated and signed for each node after it in the order of ids."""

    epoch: Epoch
    pairings: Envelopes


class PairingsOffered(Document, frozen=True):
    """What nodes before this one in the order of ids have encapsulated to it."""

    epoch: Epoch
    pairings: Envelopes


class DealWanted(Document, frozen=True):
    """The hub asks this node to deal slots of a roster."""

    epoch: Epoch
    members: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=MOST_NODES)]
    threshold: Annotated[int, msgspec.Meta(ge=1, le=MOST_NODES)]
    slots: Annotated[tuple[Slot, ...], msgspec.Meta(min_length=1, max_length=MOST_SLOTS)]


class DealingsHandedIn(Document, frozen=True):
    """What a node has dealt for each slot: bundles as `secure_sum` writes them, one for each slot."""

    epoch: Epoch
    roster_digest: Digest
    bundles: Annotated[tuple[bytes, ...], msgspec.Meta(min_length=1, max_length=MOST_SLOTS)]


class ParcelsOffered(Document, frozen=True):
    """This node's parcel of each dealing: deliveries as `secure_sum` writes them."""

    epoch: Epoch
    roster_digest: Digest
    parcels: Annotated[tuple[bytes, ...], msgspec.Meta(min_length=1, max_length=MOST_NODES * MOST_SLOTS)]


class SumWanted(Document, frozen=True):
    """An approved manifest to be answered by contribution, in one attempt.

    `template` is the signed template that it is a run of; `certificate` the one survivor set of an exact snapshot, once
    there is one; `earlier` those of other terms in which the same year was counted; `aborts` the abort of the attempt
    before, signed by its nodes, where this is another.
    """

    attempt: Envelope
    manifest: Envelope
    template: Envelope | None
    certificate: Certificate | None
    earlier: Annotated[tuple[Certificate, ...], msgspec.Meta(max_length=MOST_EARLIER)]
    aborts: Envelope | None


class ContributionHandedIn(Document, frozen=True):
    """A masked vector with the signed statement of what it is, and the consent to open if the whole roster answers."""

    contribution: Envelope
    vector: bytes
    consent: Signature


class StatementOffered(Document, frozen=True):
    """A set of survivors, with the signatures of nodes that have agreed to it so far."""

    statement: Envelope


class AbortWanted(Document, frozen=True):
    """The hub asks for a node's word that an attempt is over.

    The manifest goes along, with its template where it is a run of one: a node that was away has not seen the attempt,
    and gives its word for what was approved, and for nothing that the hub made up. `aborts` is that of the attempt
    before, as it went along with this one.
    """

    attempt: Envelope
    manifest: Envelope
    template: Envelope | None
    aborts: Envelope | None


class StatementSigned(Document, frozen=True):
    """A node's signature over a statement that it was offered, of which this is the digest."""

    statement_digest: Digest
    signature: Signature


BODIES: Mapping[DeliveryKind, type[Document]] = MappingProxyType(
    {
        DeliveryKind.PREKEYS_WANTED: PrekeyWanted,
        DeliveryKind.PREKEYS: PrekeysOffered,
        DeliveryKind.PAIRINGS: PairingsOffered,
        DeliveryKind.DEAL: DealWanted,
        DeliveryKind.PARCELS: ParcelsOffered,
        DeliveryKind.SUM: SumWanted,
        DeliveryKind.SURVIVORS: StatementOffered,
        DeliveryKind.OPENING: StatementOffered,
        DeliveryKind.ABORT: AbortWanted,
    }
)
"""The document in the body of each delivery of a sum."""


def name_door(manifest_digest: str, step: str) -> str:
    """Return where a node hands in its part in one step of a sum, as words after `/federation/`."""
    return f"sums/{manifest_digest}/{step}"
