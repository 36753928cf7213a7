"""One of each document of secure sums."""

from federation.envelope import Signature
from federation.secure_sum.messages import Certificate, SumRoster
from federation.sums_exchange import (
    AbortWanted,
    ContributionHandedIn,
    DealingsHandedIn,
    DealWanted,
    PairingsHandedIn,
    PairingsOffered,
    ParcelsOffered,
    PrekeysOffered,
    PrekeyWanted,
    StatementOffered,
    StatementSigned,
    SumWanted,
)
from federation.wire import Document
from tests.federation.cast import make_manifest, sign_manifest

EPOCH = "2026-w10"
SIGNATURE = Signature(keyid="node-301", sig="AAAA")
SIGNED = sign_manifest(make_manifest(), "node-301")
CERTIFICATE = Certificate(roster=SumRoster(epoch=EPOCH, members=("node-301",), threshold=1), survivors=SIGNED)

SUM_EXAMPLES: tuple[Document, ...] = (
    PrekeyWanted(epoch=EPOCH),
    PrekeysOffered(epoch=EPOCH, prekeys=(SIGNED,)),
    PairingsHandedIn(epoch=EPOCH, pairings=(SIGNED,)),
    PairingsOffered(epoch=EPOCH, pairings=()),
    DealWanted(epoch=EPOCH, members=("node-203", "node-301"), threshold=2, slots=(1, 2)),
    DealingsHandedIn(epoch=EPOCH, roster_digest="0" * 64, bundles=(b"\x00\xff", b"")),
    ParcelsOffered(epoch=EPOCH, roster_digest="0" * 64, parcels=(b"parcel",)),
    SumWanted(
        attempt=SIGNED,
        manifest=SIGNED,
        template=None,
        certificate=CERTIFICATE,
        earlier=(CERTIFICATE,),
        aborts=None,
    ),
    ContributionHandedIn(contribution=SIGNED, vector=bytes(range(256)), consent=SIGNATURE),
    StatementOffered(statement=SIGNED),
    AbortWanted(attempt=SIGNED, manifest=SIGNED, template=SIGNED, aborts=SIGNED),
    StatementSigned(statement_digest="0" * 64, signature=SIGNATURE),
)
