"""A node runs its plans where its rules say, with the same answer; and a question waits for an engine that is away."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from federation.manifest import Outcome, Reply
from federation.state import StateError
from node.answering import answer_manifest
from node.engines import name_copy
from node.quality.retention import retire_snapshots
from node.rules import load_rules
from query_engine.catalogue import load_catalogue
from query_engine.engines import EngineUnavailable
from tests.node.keyed import SHARED, accept_cell_keys, keyed_manifest
from tests.postgres_server import LOADER, READER, PostgresServer
from tests.small_federation import SmallFederation, copy_federation, read_reply

AUTHORITY = "301"
DEFAULT = 'url = "duckdb"'


def asked(federation: SmallFederation, envelope: bytes) -> Reply:
    data = answer_manifest(federation.node(AUTHORITY), envelope)
    assert data is not None
    return read_reply(data)


@pytest.fixture
def on_postgres(federation: SmallFederation, postgres: PostgresServer) -> Iterator[SmallFederation]:
    """A federation whose one node has a server as its engine; its copy goes afterwards."""
    from query_engine.engines.postgres_copies import drop_copy

    federation.change_rule(AUTHORITY, DEFAULT, f'url = "{postgres.url()}"\nloader = "{postgres.url(LOADER)}"')
    yield federation
    drop_copy(postgres.url(LOADER), copy_of(federation))


def copy_of(federation: SmallFederation) -> str:
    """The schema of the copy of the node's snapshot."""
    node = federation.node(AUTHORITY)
    snapshot = node.store.current()
    assert snapshot is not None
    return name_copy(node, snapshot.id)


def copied(server: PostgresServer, schema: str) -> set[str]:
    """The tables that the server holds of a copy."""
    import psycopg

    with psycopg.connect(server.url(LOADER)) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,)).fetchall()
    return {name for (name,) in rows}


@pytest.fixture
def embedded(pristine_federation: SmallFederation, tmp_path: Path) -> Callable[[bytes], Reply]:
    """What the same node says with DuckDB."""
    return lambda envelope: asked(copy_federation(pristine_federation, tmp_path / "embedded"), envelope)


def never(*_: object, **__: object) -> None:
    raise AssertionError("another engine was opened")


def test_a_node_answers_by_postgresql(
    on_postgres: SmallFederation,
    postgres: PostgresServer,
    embedded: Callable[[bytes], Reply],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same protected table, from a copy of the governed tables and of nothing else."""
    import query_engine.engines.duckdb

    envelope = on_postgres.sign(on_postgres.manifest())
    expected = embedded(envelope)
    with monkeypatch.context() as patched:
        patched.setattr(query_engine.engines.duckdb, "DuckDBEngine", never)
        reply = asked(on_postgres, envelope)
    assert reply.outcome is Outcome.ANSWERED
    assert reply.table == expected.table
    assert copied(postgres, copy_of(on_postgres)) == set(load_catalogue().tables)


def test_cell_keys_are_the_same_by_postgresql(
    on_postgres: SmallFederation, pristine_federation: SmallFederation, tmp_path: Path
) -> None:
    """The server adds the record keys up as DuckDB does, so that every count is changed alike."""
    by_duckdb = copy_federation(pristine_federation, tmp_path / "embedded")
    for federation in (on_postgres, by_duckdb):
        accept_cell_keys(federation, AUTHORITY)
    envelope = on_postgres.sign(keyed_manifest(on_postgres, SHARED))
    reply, expected = asked(on_postgres, envelope), asked(by_duckdb, envelope)
    assert reply.outcome is Outcome.ANSWERED
    assert reply.table == expected.table


@pytest.mark.usefixtures("spark")
def test_a_node_answers_by_spark(
    federation: SmallFederation, embedded: Callable[[bytes], Reply], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same protected table, from the snapshot's own files."""
    import query_engine.engines.duckdb

    federation.change_rule(AUTHORITY, DEFAULT, 'url = "spark:local[2]"')
    envelope = federation.sign(federation.manifest())
    expected = embedded(envelope)
    with monkeypatch.context() as patched:
        patched.setattr(query_engine.engines.duckdb, "DuckDBEngine", never)
        reply = asked(federation, envelope)
    assert reply.outcome is Outcome.ANSWERED
    assert reply.table == expected.table


def test_a_question_waits_for_a_server_that_is_away(on_postgres: SmallFederation, postgres: PostgresServer) -> None:
    """Nothing was run, so it is no refusal: delivered again when the server is back, the question is answered."""
    envelope = on_postgres.sign(on_postgres.manifest())
    postgres.stop()
    try:
        with pytest.raises(EngineUnavailable):
            answer_manifest(on_postgres.node(AUTHORITY), envelope)
    finally:
        postgres.start()
    assert asked(on_postgres, envelope).outcome is Outcome.ANSWERED


def test_a_destroyed_snapshot_leaves_the_server_too(on_postgres: SmallFederation, postgres: PostgresServer) -> None:
    """And while the server is away, the snapshot is not destroyed either."""
    from query_engine.engines.postgres_copies import copy_tables

    node = on_postgres.node(AUTHORITY)
    current = node.store.current()
    assert current is not None
    older = current.path.with_name("202324-summer-0123456789abcdef")
    older.mkdir()
    description = json.loads((current.path / "snapshot.json").read_text())
    description |= {"id": older.name, "created": "2001-01-01T00:00:00+00:00"}
    (older / "snapshot.json").write_text(json.dumps(description))
    schema = name_copy(node, older.name)
    copy_tables(postgres.url(LOADER), current.tables, schema=schema, reader=READER, catalogue=load_catalogue())
    postgres.stop()
    try:
        with pytest.raises(EngineUnavailable):
            retire_snapshots(node.party.directory, 1)
    finally:
        postgres.start()
    assert older.exists()
    assert copied(postgres, schema)
    assert retire_snapshots(node.party.directory, 1).destroyed == (older.name,)
    assert not copied(postgres, schema)


REFUSED = {
    "another database": 'url = "mysql://db/circe"',
    "no address": 'url = ""',
    "a Spark that is no master": 'url = "spark:yarn"',
    "a server without a loader": 'url = "postgresql://a:hidden@db/circe"',
    "a loader without a server": 'url = "duckdb"\nloader = "postgresql://a:hidden@db/circe"',
    "a loader that is none": 'url = "postgresql://a:hidden@db/circe"\nloader = "duckdb"',
    "an unknown setting": 'url = "duckdb"\nspeed = 11',
}


@pytest.mark.parametrize("lines", REFUSED.values(), ids=REFUSED.keys())
def test_an_address_that_cannot_be_is_refused_and_not_repeated(lines: str, federation: SmallFederation) -> None:
    """The rules say what is wrong; a password that stood there is not told."""
    federation.change_rule(AUTHORITY, DEFAULT, lines)
    with pytest.raises(StateError) as refused:
        load_rules(federation.node(AUTHORITY).party.directory)
    assert "hidden" not in str(refused.value)


def test_rules_of_a_node_made_before_stay_valid_and_show_no_password(federation: SmallFederation) -> None:
    """Rules without an engine mean DuckDB."""
    directory = federation.node(AUTHORITY).party.directory
    path = directory / "rules.toml"
    text = path.read_text()
    path.write_text(text[: text.index("[engine]")])
    assert load_rules(directory).engine.url == "duckdb"
    path.write_text(text.replace(DEFAULT, 'url = "postgresql://a:hidden@db/c"\nloader = "postgresql://b:hidden@db/c"'))
    assert "hidden" not in repr(load_rules(directory))
