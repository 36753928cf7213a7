"""What nodes and hub hand each other for sums: one encoding each, bounded, and any other bytes are refused."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import federation.sums_exchange
from federation.exchange import DeliveryKind
from federation.sums_exchange import BODIES, DealWanted, PrekeyWanted
from federation.wire import Document, WireError, decode_document, encode_document
from tests.federation.sum_examples import EPOCH, SUM_EXAMPLES

KINDS = sorted({type(example) for example in SUM_EXAMPLES}, key=lambda kind: kind.__name__)


def test_every_delivery_of_a_sum_has_a_body() -> None:
    """A manifest and a sealed page go by themselves; whatever else is delivered is for a sum."""
    assert set(BODIES) == set(DeliveryKind) - {DeliveryKind.MANIFEST, DeliveryKind.LOOKUP}


def test_every_document_of_sums_is_among_the_examples() -> None:
    kinds = {kind for kind in vars(federation.sums_exchange).values() if isinstance(kind, type)}
    ours = {kind for kind in kinds if issubclass(kind, Document) and kind.__module__ == "federation.sums_exchange"}
    assert ours == set(KINDS)


@given(example=st.sampled_from(SUM_EXAMPLES), place=st.integers(0), byte=st.integers(0, 255))
def test_a_document_with_one_byte_changed_is_another_or_none(example: Document, place: int, byte: int) -> None:
    """And never two byte strings for one document."""
    data = bytearray(encode_document(example))
    data[place % len(data)] = byte
    try:
        read = decode_document(bytes(data), type(example))
    except WireError:
        return
    assert encode_document(read) == bytes(data)


@given(data=st.binary(max_size=300), kind=st.sampled_from(KINDS))
def test_any_bytes_are_a_document_or_refused(data: bytes, kind: type[Document]) -> None:
    try:
        read = decode_document(data, kind)
    except WireError:
        return
    assert encode_document(read) == data


@pytest.mark.parametrize("epoch", ["2026-w00", "2026-w54", "2026-W10", "2026-w10\n", "1999-w10", "2026-10", ""])
def test_a_week_has_one_name(epoch: str) -> None:
    data = encode_document(PrekeyWanted(epoch=epoch))
    with pytest.raises(WireError):
        decode_document(data, PrekeyWanted)


@pytest.mark.parametrize(
    "changes",
    [
        {"slots": ()},
        {"slots": tuple(range(1, 66))},
        {"slots": (0,)},
        {"slots": (2**31 + 1,)},
        {"members": ()},
        {"members": tuple(f"node-{number}" for number in range(401))},
        {"threshold": 0},
    ],
    ids=str,
)
def test_no_more_is_dealt_than_may_be(changes: dict[str, object]) -> None:
    wanted = DealWanted(epoch=EPOCH, members=("node-203", "node-301"), threshold=2, slots=(1,))
    with pytest.raises(WireError):
        decode_document(encode_document(msgspec.structs.replace(wanted, **changes)), DealWanted)
