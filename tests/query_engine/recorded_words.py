"""What the catalogue says in words of each column and table, by digest, with the meaning that the words are of.

The catalogue's version leaves words out, so no machine sees whether a sentence was put better or means something else.
Somebody has to say so: whoever changes words raises the `meaning` if what the values stand for has changed, and either
way records the words anew with `python -m tests.query_engine.recorded_words`. So those who read the change see it said.
"""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import query_engine
from query_engine.meaning import COLUMN_WORDS, TABLE_WORDS

PLACE = Path(__file__).with_name("recorded_words.json")
CATALOGUE = Path(query_engine.__file__).with_name("catalogue.toml")

Words = Mapping[str, str]


def read_record() -> Words:
    """Return the words as they were recorded."""
    found: Words = json.loads(PLACE.read_text(encoding="utf-8"))
    return found


def digest_words(content: bytes) -> Words:
    """Return, of each table and column of a catalogue's file, its meaning and the digest of its words."""
    tables = tomllib.loads(content.decode())["tables"]
    columns = {
        f"{table}.{name}": _digest(body, COLUMN_WORDS)
        for table, entry in tables.items()
        for name, body in entry["columns"].items()
    }
    return {table: _digest(entry, TABLE_WORDS) for table, entry in tables.items()} | columns


def _digest(body: Mapping[str, Any], words: frozenset[str]) -> str:
    said = json.dumps({key: body[key] for key in sorted(words & body.keys())})
    return f"meaning {body.get('meaning', 1)}: {hashlib.sha256(said.encode()).hexdigest()[:16]}"


if __name__ == "__main__":
    PLACE.write_text(
        json.dumps(digest_words(CATALOGUE.read_bytes()), indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
