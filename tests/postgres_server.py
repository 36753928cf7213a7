"""A real PostgreSQL server of the tests' own: in a temporary directory, on a unix socket alone, gone afterwards."""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

import pytest

DATABASE = "circe"
LOADER, READER = "circe_loads", "circe_asks"
ROLES = (
    f"CREATE ROLE {LOADER} LOGIN",
    f"CREATE ROLE {READER} LOGIN",
    f"CREATE DATABASE {DATABASE}",
    f"GRANT CONNECT, CREATE ON DATABASE {DATABASE} TO {LOADER}",
    f"GRANT CONNECT ON DATABASE {DATABASE} TO {READER}",
)
"""What an administrator is asked to run."""


@dataclass(frozen=True)
class PostgresServer:
    """Where the server's programs, data and socket are, and who runs it."""

    programs: Path
    directory: Path
    user: str | None

    def url(self, role: str = READER, database: str = DATABASE) -> str:
        """The address of the server for a role; it asks for no password, and nobody else reaches the socket."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.directory), safe='')}"

    def own_schema(self) -> str:
        """Make an empty schema, and return the address by which its owner finds it and nothing else."""
        name = f"own_{secrets.token_hex(8)}"
        self.execute(f"CREATE SCHEMA {name}", database=DATABASE)
        return f"{self.url('postgres')}&options=-csearch_path%3D{name}"

    def start(self) -> None:
        """Start the server, and wait until it lets us in."""
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.directory}' -c fsync=off"
        self._run("pg_ctl", "start", "-w", "-D", self._data, "-l", str(self.directory / "log"), "-o", options)

    def stop(self) -> None:
        """Stop the server at once, whoever is connected."""
        self._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", self._data)

    def prepare(self) -> None:
        """Make the server's files, and the roles that the documentation asks for."""
        self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.start()
        self.execute(*ROLES)

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run statements as the server's owner, one by one."""
        import psycopg

        with psycopg.connect(self.url("postgres", database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    @property
    def _data(self) -> str:
        return str(self.directory / "data")

    def _run(self, program: str, *arguments: str) -> None:
        with (self.directory / "errors").open("wb") as errors:
            done = self._call(program, arguments, errors)
        assert done.returncode == 0, (self.directory / "errors").read_text()

    def _call(self, program: str, arguments: tuple[str, ...], errors: IO[bytes]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [str(self.programs / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            user=self.user,
            group=None if self.user is None else pwd.getpwnam(self.user).pw_gid,
            extra_groups=None if self.user is None else [],
            cwd=self.directory,
            env={"PATH": os.defpath, "LC_ALL": "C"},
            check=False,
        )


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """A server that is up, with its roles made. Skips the test where PostgreSQL or psycopg is not installed."""
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra postgres)")
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian package postgresql)")
    # The path of a unix socket is short, so the directory is not pytest's.
    directory = Path(tempfile.mkdtemp(prefix="circe-pg-"))
    server = PostgresServer(programs, directory, _user())
    try:
        if server.user is not None:
            shutil.chown(directory, server.user)
        server.prepare()
        yield server
        if (directory / "data" / "postmaster.pid").exists():
            server.stop()
    finally:
        shutil.rmtree(directory)


def _programs() -> Path | None:
    """The directory of the newest PostgreSQL: Debian keeps each version's programs together, off the path."""
    found = shutil.which("postgres")
    if found is not None:
        return Path(found).resolve().parent
    versions = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    return max((each.parent for each in versions), key=lambda each: float(each.parent.name), default=None)


def _user() -> str | None:
    """Who runs the server: PostgreSQL refuses to be run by root, and then its Debian package's user does."""
    if os.geteuid() != 0:
        return None
    known = {each.pw_name for each in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"
