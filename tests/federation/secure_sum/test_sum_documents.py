"""The documents of a secure sum: one encoding each, no unknown field, nothing shown; any bytes give a refusal."""

import importlib
import pkgutil

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import federation.secure_sum
from federation.secure_sum import messages
from federation.wire import Document, WireError, decode_document, encode_document
from tests.federation.secure_sum.examples import EXAMPLES

ELSEWHERE = {"federation.secure_sum.flower_measurement"}
"""A script that is run by another Python, which has Flower."""

ROOM = {
    module.name: importlib.import_module(module.name)
    for module in pkgutil.iter_modules(federation.secure_sum.__path__, "federation.secure_sum.")
    if module.name not in ELSEWHERE
}


def name_of(example: Document) -> str:
    return type(example).__name__


def test_every_kind_of_document_has_an_example() -> None:
    kinds = {kind for kind in Document.__subclasses__() if kind.__module__ in ROOM}
    assert kinds == {type(example) for example in EXAMPLES}


def test_every_document_lives_on_one_page() -> None:
    assert {type(example).__module__ for example in EXAMPLES} == {messages.__name__}


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_a_document_survives_the_journey(example: Document) -> None:
    data = encode_document(example)
    again = decode_document(data, type(example))
    assert again == example
    assert encode_document(again) == data


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_no_document_takes_a_field_that_it_does_not_know_or_shows_itself(example: Document) -> None:
    data = msgspec.json.encode({**msgspec.to_builtins(example), "surname": "A123456789012"})
    with pytest.raises(WireError) as refused:
        decode_document(data, type(example))
    assert "A123456789012" not in str(refused.value)
    assert repr(example) == f"{name_of(example)}(…)"


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
@given(noise=st.binary(max_size=80), place=st.integers(0, 400))
def test_any_bytes_give_a_document_or_a_refusal(example: Document, noise: bytes, place: int) -> None:
    data = encode_document(example)
    for altered in (noise, data[:place] + noise + data[place:], data[:place] + data[place + len(noise) :]):
        try:
            again = decode_document(altered, type(example))
        except WireError:
            continue
        assert encode_document(again) == altered
