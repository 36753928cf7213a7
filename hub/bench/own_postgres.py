"""A PostgreSQL server of our own, to be measured or tested with: in a directory, on a unix socket alone.

It needs PostgreSQL's programs on this machine, and no server that runs there already.
"""

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


class ServerMissing(Exception):
    """PostgreSQL is not installed on this machine."""


class ServerFailed(Exception):
    """One of PostgreSQL's programs ended with an error; the text is what it said."""


@dataclass(frozen=True)
class PostgresServer:
    """Where the server's programs, data and socket are, and who runs it."""

    programs: Path
    directory: Path
    user: str | None
    durable: bool = False
    """Whether each commit waits for the disk, as a hub's has to."""

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
        safe = "on" if self.durable else "off"
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.directory}' -c fsync={safe}"
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
        if done.returncode:
            raise ServerFailed(f"{program} failed: {(self.directory / 'errors').read_text()}")

    def _call(self, program: str, arguments: tuple[str, ...], errors: IO[bytes]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(  # noqa: S603 - its programs, by their full path
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
def own_server(*, durable: bool = False) -> Iterator[PostgresServer]:
    """A server that is up, with its roles made, until we are done with it. Raises `ServerMissing`."""
    programs = find_programs()
    if programs is None:
        raise ServerMissing("PostgreSQL is not installed (Debian package postgresql)")
    # The path of a unix socket is short, whatever the place for temporary files is.
    directory = Path(tempfile.mkdtemp(prefix="circe-pg-"))
    server = PostgresServer(programs, directory, _choose_user(), durable)
    try:
        if server.user is not None:
            shutil.chown(directory, server.user)
        server.prepare()
        yield server
    finally:
        if (directory / "data" / "postmaster.pid").exists():
            server.stop()
        shutil.rmtree(directory)


def find_programs() -> Path | None:
    """The directory of the newest PostgreSQL: Debian keeps each version's programs together, off the path."""
    found = shutil.which("postgres")
    if found is not None:
        return Path(found).resolve().parent
    versions = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    return max((each.parent for each in versions), key=lambda each: float(each.parent.name), default=None)


def _choose_user() -> str | None:
    """Who runs the server: PostgreSQL refuses to be run by root, and then its Debian package's user does."""
    if os.geteuid() != 0:
        return None
    known = {each.pw_name for each in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"
