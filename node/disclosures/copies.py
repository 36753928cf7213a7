"""A record of disclosures as a file to give out: CSV for a spreadsheet, JSON for another program."""

import csv
import io
import json
from collections.abc import Sequence

from node.disclosures.record import Disclosure, DisclosureRecord
from node.disclosures.telling import name_authority, tell_record

KINDS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
"""The forms of a copy, and what a browser is told of each."""

COLUMNS = ("when", "who", "did", "why", "because", "saw", "both_logs", "reference")


def write_copy(record: DisclosureRecord, given: Sequence[Disclosure], form: str, held_back: int | None) -> str:
    """Write what is given out of a record; `held_back` is said where it may be, and None where it may not."""
    return _write_csv(record, given) if form == "csv" else _write_json(record, given, held_back)


def _rows(record: DisclosureRecord, given: Sequence[Disclosure]) -> list[tuple[str, ...]]:
    said = {True: "yes", False: "no", None: ""}
    return [
        (
            f"{each.at:%Y-%m-%d %H:%M}",
            each.who,
            each.did,
            each.why,
            each.because,
            "; ".join(each.fields),
            said[each.agreed],
            each.reference,
        )
        for each in tell_record(given, record.authority)
    ]


def _write_csv(record: DisclosureRecord, given: Sequence[Disclosure]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(tuple(map(_as_words, row)) for row in _rows(record, given))
    return text.getvalue()


def _as_words(text: str) -> str:
    """Keep a spreadsheet from taking what somebody typed for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t" and text else text


def _write_json(record: DisclosureRecord, given: Sequence[Disclosure], held_back: int | None) -> str:
    document = {
        "authority": record.authority,
        "authority_name": name_authority(record.authority),
        "made_at": record.made_at.isoformat(),
        "disclosures": [dict(zip(COLUMNS, row, strict=True)) for row in _rows(record, given)],
        "not_complete": [
            {"authority": each.authority, "reason": each.reason, "lookups": each.lookups} for each in record.unheard
        ],
        **({"held_back": held_back} if held_back is not None else {}),
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
