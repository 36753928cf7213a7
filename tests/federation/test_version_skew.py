"""One version of skew: a hub or node of this version beside one of the version before, which is recorded.

Documents are read in one encoding and refuse members that they do not know, so neighbours understand each other only
where the form of every document is the same on both sides. A document that has to change gets a kind and a door of its
own, beside the old ones, for one version.
"""

import json

import msgspec
import pytest

from federation.wire import Document, WireError, decode_document, encode_document
from tests.federation.recorded_version import (
    PARTS,
    describe_tables,
    digest_form,
    list_doors,
    read_record,
)
from tests.federation.test_every_document import EXAMPLES

KINDS: dict[str, type[Document]] = {type(each).__name__: type(each) for each in EXAMPLES}
WRITTEN, FORMS = read_record("documents"), read_record("forms")

LARGEST = 32 * 1024 * 1024


def test_the_record_is_whole() -> None:
    """Every part is there, and has something in it."""
    assert all(read_record(name) for name in PARTS)
    assert WRITTEN.keys() == FORMS.keys()


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_what_the_version_before_wrote_is_read(name: str) -> None:
    """Byte for byte: signatures over it hold."""
    assert name in KINDS, f"{name} is gone, and members of the version before still send it"
    data = WRITTEN[name].encode()
    assert encode_document(decode_document(data, KINDS[name], limit=LARGEST)) == data


@pytest.mark.parametrize("name", sorted(FORMS))
def test_what_is_written_now_is_read_by_the_version_before(name: str) -> None:
    """It reads what has the form that it knows."""
    changed = f"the form of {name} has changed: give what is new a kind of its own, or record the version anew"
    assert digest_form(KINDS[name]) == FORMS[name], changed


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_a_member_that_is_not_known_is_refused_and_not_passed_over(name: str) -> None:
    """What a later version adds to a document may change what the rest of it means: nobody acts on half of one."""
    members = json.loads(WRITTEN[name])
    data = msgspec.json.encode({**members, "of_a_later_version": True})
    with pytest.raises(WireError):
        decode_document(data, KINDS[name], limit=LARGEST)


def test_every_door_of_the_version_before_is_open() -> None:
    """Nodes and clients of that version call at these, by these methods."""
    here = list_doors()
    assert {rule: methods for rule, methods in here.items() if rule in read_record("doors")} == read_record("doors")


@pytest.mark.parametrize("party", ["hub", "node"])
def test_a_database_of_the_version_before_is_used_as_it_is(party: str) -> None:
    """Tables are made where there are none and changed by nobody, so what is there must be what is wanted."""
    before, now = read_record("tables")[party], describe_tables()[party]
    assert {name: now.get(name) for name in before} == before
