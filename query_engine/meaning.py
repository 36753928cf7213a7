"""The version of a catalogue: a digest of all that binds in it, and of none of its words.

A better sentence about a column changes nothing of what is asked, and must not have nodes refuse it or end a template.
So definitions, sources and what is said of a table are left out, as comments and layout are; everything else counts,
the country's geography too, which is in files beside. What a value stands for can change though its name and its
categories stay: whoever changes that raises the `meaning` of the column or the table, which counts.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from query_engine.column_links import CatalogueInvalid

TABLE_WORDS = frozenset({"grain", "description"})
COLUMN_WORDS = frozenset({"definition", "source"})


def digest_meaning(declared: Mapping[str, Any], geography: Mapping[str, tuple[Any, ...]]) -> str:
    """The first 16 hex figures of the SHA-256 of what a catalogue's file declares, without its words."""
    tables = {name: _without_words(entry) for name, entry in declared["tables"].items()}
    form = {**declared, "tables": tables, "geography": geography}
    return hashlib.sha256(json.dumps(form, sort_keys=True, default=str).encode()).hexdigest()[:16]


def check_meaning(where: str, body: Mapping[str, Any]) -> None:
    """Check that a meaning which was raised is counted from 2, the first not being said. Raises `CatalogueInvalid`."""
    raised = body.get("meaning", 2)
    if type(raised) is not int or raised < 2:
        raise CatalogueInvalid(f"{where}: meaning must be a whole number of 2 or more")


def _without_words(table: Mapping[str, Any]) -> Mapping[str, Any]:
    columns = {
        name: {key: value for key, value in body.items() if key not in COLUMN_WORDS}
        for name, body in table["columns"].items()
    }
    return {key: value for key, value in table.items() if key not in TABLE_WORDS} | {"columns": columns}
