"""Taking the dataset of plans out of a node: a copy, which takes the right to export, group by group, and is logged."""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from federation.spreadsheet import write_spreadsheet
from federation.state import write_file
from node.tracking.children import find_granted
from node.tracking.dataset import write_sheets
from node.tracking.kinds import kind_of
from node.tracking.visit import Visit
from policies.access_policy import AccessDenied, DenialCode
from policies.names import Action, FieldGroup


def gather_dataset(visit: Visit) -> Mapping[str, Sequence[Sequence[str]]]:
    """The sheets of the dataset, once it is logged that a copy is made.

    Raises `AccessDenied` where the visitor may export nobody's record. What they may not export is left out.
    """
    granted = find_granted(visit.node, visit.snapshot, visit.person, Action.EXPORT)
    children = [child for child in visit.children if FieldGroup.IDENTITY in granted.get(child.token, frozenset())]
    if not children:
        visit.record_refused("export")
        raise AccessDenied(DenialCode.NOT_PERMITTED, f"the role {visit.person.role} may not export tracking records")
    records = visit.records()
    facts = [
        (child, entry.fact)
        for child in children
        for entry in records[child.token].standing.values()
        if kind_of(entry.fact).group in granted[child.token]
    ]
    visit.sign_for([child for child in children if records[child.token].standing], page="export", copied=True)
    return write_sheets(facts)


def export_dataset(visit: Visit, target: Path) -> int:
    """Write the dataset to a file (.xlsx) or a directory of CSV files, and return how many facts are in it.

    Raises `AccessDenied` where the visitor may export nobody's record.
    """
    sheets = gather_dataset(visit)
    if target.suffix == ".xlsx":
        write_file(target, write_spreadsheet(sheets))
    else:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, rows in sheets.items():
            write_file(target / f"{name}.csv", _as_csv(rows))
    return sum(len(rows) - 1 for rows in sheets.values())


def pack_csv(sheets: Mapping[str, Sequence[Sequence[str]]]) -> bytes:
    """Return the sheets as CSV files in one archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in sheets.items():
            archive.writestr(f"{name}.csv", _as_csv(rows))
    return out.getvalue()


def _as_csv(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()
