"""Which software somebody runs, as requests say in their `User-Agent` (RFC 9110, section 10.1.5).

    circe/0.1.0 register/7 snapshot/202425-summer-1f0c

It is for the eyes of whoever runs the federation, and nobody need tell the truth. All that follows from it is when the
hub drafts the next run of a standing question, which binds nobody.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

NAME = "circe"

_PRODUCT = re.compile(r"(circe|register|snapshot)/([A-Za-z0-9._+-]{1,80})")
_LONGEST = 300


@dataclass(frozen=True)
class Software:
    """What a request says of its sender: the version of Circe, of the register, and the snapshot that it serves."""

    version: str = ""
    register: str = ""
    snapshot: str = ""


@cache
def own_version() -> str:
    """The version of Circe that runs here."""
    return version(NAME)


def write_products(*, register: int | None = None, snapshot: str = "") -> str:
    """Return what a request of ours says of us."""
    told = [f"{NAME}/{own_version()}"]
    if register is not None:
        told.append(f"register/{register}")
    if snapshot:
        told.append(f"snapshot/{snapshot}")
    return " ".join(told)


def read_products(text: str) -> Software:
    """Read what a request says; whatever else stands in it is passed over."""
    products = map(_PRODUCT.fullmatch, text[:_LONGEST].split())
    found = {product[1]: product[2] for product in products if product}
    return Software(found.get(NAME, ""), found.get("register", ""), found.get("snapshot", ""))
