"""The certificate of a table: whole tables that agree with everything published, for anybody to check.

It is a function of what is published and of public rules alone, and covers every withheld cell alike: two truths that
are printed as one table have one certificate. Who checks it needs no data, no solver and no trust in who made it: each
witness has to add up, to lie within what is published, and together they have to leave every withheld cell open.

    {"certificate": "circe-suppression-1", "claim": "...", "columns": [{"column": "n", "rule": {...},
     "table": "<SHA-256 of what is published>", "withheld": 2, "witnesses": [[6, 9], [11, 4]]}]}

A witness gives a number for each cell that a reader does not know, in the order of the cells.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, is_dataclass

import numpy as np

from disclosure_control.suppression.lattice import Lattice
from disclosure_control.suppression.rules import UNBOUNDED, CountRule, Rule
from disclosure_control.suppression.view import Printed, View
from disclosure_control.suppression.witnesses import Witnesses

__all__ = ["CLAIM", "CertificateInvalid", "Certified", "find_barred", "read_columns", "verify_certificate"]
__all__ += ["write_certificate"]

FORM = "circe-suppression-1"

CLAIM = (
    "Whoever adds and subtracts the published figures, knowing the rule, cannot bound any withheld one beyond what the "
    "rule allows. Claimed is protection against linear inference alone: not against guessing, against knowledge of "
    "other sources, or against other tables over the same children that are not listed here."
)

LARGEST_CERTIFICATE = 64 * 1024 * 1024


class CertificateInvalid(Exception):
    """A certificate does not show what it says; the text says which column and what is wrong."""


@dataclass(frozen=True)
class Certified:
    """A column of figures that a certificate speaks of: what is published of it, and the witnesses where found.

    Of the withheld `zeros` it says nothing: that they are 0 is printed, in parts.
    """

    column: str
    view: View
    printed: Sequence[Printed]
    witnesses: Witnesses | None = None
    zeros: frozenset[int] = frozenset()


def find_barred(column: Certified, rule: Rule) -> frozenset[int]:
    """The counts that are printed although the rule withholds them."""
    if not isinstance(rule, CountRule):
        return frozenset()
    printed = zip(column.printed, column.view.lattice.levels, strict=False)
    return frozenset(
        cell for cell, (each, level) in enumerate(printed) if isinstance(each, int) and rule.bars(each, level)
    )


def write_certificate(columns: Sequence[Certified]) -> bytes:
    """The bytes of a certificate."""
    return _encode([_describe(each) for each in columns])


def verify_certificate(content: bytes, columns: Sequence[Certified]) -> None:
    """Check a certificate against what is published. Raises `CertificateInvalid`."""
    if len(content) > LARGEST_CERTIFICATE:
        raise CertificateInvalid(f"more than {LARGEST_CERTIFICATE} bytes")
    try:
        document = json.loads(content)
        described = document["columns"]
        is_canonical = _encode(described) == content
    except (ValueError, TypeError, KeyError, RecursionError):
        raise CertificateInvalid("not a certificate") from None
    if not is_canonical:
        raise CertificateInvalid("not a certificate in its one encoding")
    if len(described) != len(columns):
        raise CertificateInvalid(f"must speak of {len(columns)} columns of counts, and speaks of {len(described)}")
    for each, found in zip(columns, described, strict=True):
        _verify_column(each, found)


def read_columns(content: bytes) -> list[tuple[str, dict[str, object]]]:
    """The columns that a certificate speaks of, each with the rule that it states; nothing of it is verified.

    Raises `CertificateInvalid`.
    """
    if len(content) > LARGEST_CERTIFICATE:
        raise CertificateInvalid(f"more than {LARGEST_CERTIFICATE} bytes")
    try:
        columns = [(each["column"], each["rule"]) for each in json.loads(content)["columns"]]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise CertificateInvalid("not a certificate") from None
    if not all(isinstance(name, str) and isinstance(rule, dict) for name, rule in columns):
        raise CertificateInvalid("not a certificate")
    if len({name for name, _ in columns}) < len(columns):
        raise CertificateInvalid("speaks of a column twice")
    return columns


def _verify_column(expected: Certified, found: object) -> None:
    """Check, in order: what it speaks of, each witness, and what they show together."""
    where = f"column {expected.column}"
    wanted = _describe(expected)
    if not isinstance(found, dict) or found.keys() != wanted.keys():
        raise CertificateInvalid(f"{where}: must have {', '.join(wanted)}")
    for key in wanted:
        if key != "witnesses" and found[key] != wanted[key]:
            raise CertificateInvalid(f"{where}: is of another {key} than what is published")
    tables = found["witnesses"]
    if not isinstance(tables, list):
        raise CertificateInvalid(f"{where}: witnesses must be a list")
    view = expected.view
    if view.withheld and not tables:
        raise CertificateInvalid(f"{where}: has no witness")
    whole = [_verify_witness(f"{where}, witness {number}", each, view) for number, each in enumerate(tables, start=1)]
    for cell in view.withheld:
        seen = [int(table[cell]) for table in whole]
        if max(seen) < view.rule.enough(min(seen)):
            raise CertificateInvalid(f"{where}: the witnesses do not leave {view.lattice.describe(cell)} open")


def _verify_witness(where: str, numbers: object, view: View) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """The whole table of a witness, having checked that it lies within what is published and adds up."""
    free = np.flatnonzero(view.low < view.high)
    if not isinstance(numbers, list) or len(numbers) != len(free) or any(type(each) is not int for each in numbers):
        raise CertificateInvalid(f"{where}: must be {len(free)} whole numbers")
    if any(abs(each) > UNBOUNDED for each in numbers):
        raise CertificateInvalid(f"{where}: a number is out of all proportion")
    table = view.low.copy()
    table[free] = numbers
    if (table < view.low).any() or (table > view.high).any():
        raise CertificateInvalid(f"{where}: a number is not one that the published figure can be")
    for relation in view.lattice.relations:
        if table[relation.total] != table[list(relation.parts)].sum():
            raise CertificateInvalid(f"{where}: does not add up to {view.lattice.describe(relation.total)}")
    return table


def _describe(each: Certified) -> dict[str, object]:
    free = np.flatnonzero(each.view.low < each.view.high)
    tables = each.witnesses.tables if each.witnesses else []
    rule = each.view.rule
    assert is_dataclass(rule)
    return {
        "column": each.column,
        "rule": {"kind": type(rule).__name__, **asdict(rule)},
        "table": _digest(each.view.lattice, each.printed),
        "withheld": len(each.view.withheld),
        "witnesses": [table[free].tolist() for table in tables],
    }


def _digest(lattice: Lattice, printed: Sequence[Printed]) -> str:
    """The SHA-256 of what is published: every cell with its categories and its entry, and what adds up to what."""
    cells = [[sorted(lattice.keys[cell]), entry] for cell, entry in enumerate(printed)]
    relations = [[each.total, *each.parts] for each in lattice.relations]
    return hashlib.sha256(json.dumps([cells, relations]).encode()).hexdigest()


def _encode(columns: Sequence[object]) -> bytes:
    document = {"certificate": FORM, "claim": CLAIM, "columns": columns}
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode() + b"\n"
