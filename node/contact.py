"""Whom another authority's virtual school is told to call: a name, and where the call or the letter goes."""

import re
import tomllib
from functools import cache

from node.rules import PACKAGED

_TELEPHONE = re.compile(r"\+?[0-9(][0-9() -]{7,}[0-9]")
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")

ASKED = (
    'rules.toml, [lookups], contact: other authorities are told to call "{contact}". '
    'Write who that is, with a telephone number or an address, as in "Ada Byron, 020 7946 0000, ada.byron@la.example".'
)


def find_contact_fault(contact: str) -> str | None:
    """What is to be mended of a contact; None for a name with a telephone number or an electronic address."""
    reach = _ADDRESS.search(contact) or _TELEPHONE.search(contact)
    name = _TELEPHONE.sub("", _ADDRESS.sub("", contact))
    is_whole = reach and any(each.isalpha() for each in name) and contact != _placeholder()
    return None if is_whole else ASKED.format(contact=contact)


@cache
def _placeholder() -> str:
    """The contact of the rules as they are packaged."""
    return str(tomllib.loads(PACKAGED.read_text())["lookups"]["contact"])
