"""What the version before wrote and reads, recorded: documents, their forms, the hub's doors, and tables.

A version that goes out is recorded by `python -m tests.federation.recorded_version`, and the one before is deleted: one
version is bridged, no more. Until then the record follows whatever changes.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from audit.tables import SQLITE
from audit.witness_store import SCHEMA as WITNESS_SCHEMA
from federation.wire import Document, encode_document
from hub.service import SCHEMA as HUB_SCHEMA
from node.service import SCHEMAS as NODE_SCHEMAS

PLACE = Path(__file__).with_name("vectors") / "version-0.1"

Json = dict[str, Any]


def read_record(name: str) -> Json:
    """Return one part of the record."""
    found: Json = json.loads((PLACE / f"{name}.json").read_text(encoding="utf-8"))
    return found


def write_documents() -> Json:
    """Every kind of document that members exchange, as it is written."""
    return {type(each).__name__: encode_document(each).decode() for each in _examples()}


def describe_forms() -> Json:
    """The form of each, by its digest: its members, and what each may hold."""
    return {type(each).__name__: digest_form(type(each)) for each in _examples()}


def digest_form(kind: type[Document]) -> str:
    """The digest of the form of one kind of document."""
    form = _without_words(msgspec.json.schema(kind))
    return hashlib.sha256(json.dumps(form, sort_keys=True).encode()).hexdigest()


def _without_words(value: Any) -> Any:
    """What is said about a form for people is no part of it."""
    if isinstance(value, dict):
        # A member may be called `title`: then it is described by a form, and not by a text.
        words = {name for name in ("title", "description") if isinstance(value.get(name), str)}
        return {name: _without_words(each) for name, each in sorted(value.items()) if name not in words}
    return [_without_words(each) for each in value] if isinstance(value, list) else value


def list_doors() -> Json:
    """The addresses at which the hub serves members' software."""
    from flask import Flask

    from hub.doors.nodes import node_doors
    from hub.doors.people import people_doors
    from hub.health import health
    from hub.sums.doors import sum_doors

    app = Flask(__name__, static_folder=None)
    for doors in (node_doors, people_doors, sum_doors, health):
        app.register_blueprint(doors)
    rules = ((rule.rule, sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})) for rule in app.url_map.iter_rules())
    return dict(sorted(rules))


def describe_tables() -> Json:
    """The columns and constraints of each table that a party's database has, by party and table."""
    parties = {"hub": (HUB_SCHEMA, WITNESS_SCHEMA), "node": NODE_SCHEMAS}
    return {party: dict(sorted(_read_tables((*files, SQLITE.schema)))) for party, files in parties.items()}


def _read_tables(files: tuple[Path, ...]) -> Iterator[tuple[str, str]]:
    for file in files:
        for statement in file.read_text(encoding="utf-8").split(";"):
            words = " ".join(re.sub(r"--[^\n]*", "", statement).split())
            if found := re.match(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+) (.*)", words):
                yield found[1], found[2]


def _examples() -> tuple[Document, ...]:
    from tests.federation.test_every_document import EXAMPLES

    return EXAMPLES


PARTS: Mapping[str, Any] = {
    "documents": write_documents,
    "forms": describe_forms,
    "doors": list_doors,
    "tables": describe_tables,
}


def main() -> None:
    """Record this version."""
    PLACE.mkdir(exist_ok=True)
    for name, describe in PARTS.items():
        (PLACE / f"{name}.json").write_text(json.dumps(describe(), indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
