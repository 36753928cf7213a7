"""The stagehands of the demo: they run `circe` commands and services as processes of their own, and measure them."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE
from typing import IO

import click

from federation.progress import now_and_then

CIRCE = (sys.executable, "-P", "-m", "federation.cli")
"""`-P`: not with modules of the folder that it is run from, where a file `node.py` would stand for the package."""

SHOWN_COMMANDS = 12
"""How many commands of one kind are printed before the rest are counted."""

WAIT_SECONDS = 30.0
"""How long a hub that does nothing is waited for."""


class CommandFailed(Exception):
    """A command of the demo did not succeed, or a service ended by itself; the text says which, and how."""


@dataclass(frozen=True)
class Stage:
    """One stage of the demo: how long it took, and the most memory all its processes had at once."""

    name: str
    seconds: float
    peak_mib: int


@dataclass(frozen=True)
class Service:
    """A process in the background, the words it was started with, and where its messages go."""

    words: Sequence[str]
    log: Path
    process: subprocess.Popen[bytes]

    def describe_end(self) -> str:
        """Say which process has ended, how, and where it may have said why."""
        name = textwrap.shorten(shlex.join(["circe", *self.words]), 160, placeholder=" ...")
        status = self.process.wait()
        how = f"status {status}" if status >= 0 else f"signal {-status} ({signal.strsignal(-status)})"
        return f"{name} (process {self.process.pid}) ended by itself with {how}: see {self.log}"


@dataclass
class Stagehands:
    """Run commands, printing each, and time them stage by stage.

    A thread waits for the end of every service. When one ends by itself, no command is waited for any longer: those
    that run are stopped, no other is begun, and each raises what became of the service.
    """

    program: Sequence[str] = CIRCE
    stages: list[Stage] = field(default_factory=list)
    _services: list[Service] = field(default_factory=list)
    _commands: set[subprocess.Popen[str]] = field(default_factory=set)
    _fall: str = ""
    _stopping: bool = False
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _held: ExitStack = field(default_factory=ExitStack)
    _peak: int = 0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside, and note the peak memory."""
        click.echo(f"\n# {name}", err=True)
        self._peak, stop = 0, threading.Event()
        watcher = threading.Thread(target=self._watch_memory, args=(stop,), daemon=True)
        watcher.start()
        start = time.monotonic()
        try:
            yield
        finally:
            stop.set()
            watcher.join()
            self.stages.append(Stage(name, round(time.monotonic() - start, 2), self._peak // 2**20))

    def _watch_memory(self, stop: threading.Event) -> None:
        while True:
            self._peak = max(self._peak, sum(map(_resident_bytes, list_family(os.getpid()))))
            if stop.wait(0.25):
                return

    def choose_program(self, words: Sequence[str]) -> Sequence[str]:
        """Return what runs a command or service: the same for all, unless somebody has two versions of it."""
        return self.program

    def run(self, *arguments: str | Path, quiet: bool = False) -> str:
        """Run one command to its end and return what it printed. Raises `CommandFailed`."""
        words = [str(argument) for argument in arguments]
        if not quiet:
            click.echo(f"$ {shlex.join(['circe', *words])}", err=True)
        # Standard output goes to a file, since a pipe that nobody reads would fill up and stop the command.
        with tempfile.TemporaryFile("w+") as printed:
            process = self._begin(words, printed)
            with process:
                assert process.stderr is not None
                said = deque(_pass_on(process.stderr, quiet), maxlen=20)
            with self._turn:
                self._commands.discard(process)
            self.check_running()
            if process.returncode:
                raise CommandFailed(f"circe {words[0]} ended with {process.returncode}: {''.join(said).strip()}")
            printed.seek(0)
            return printed.read()

    def _begin(self, words: Sequence[str], printed: IO[str]) -> subprocess.Popen[str]:
        """Start a command, unless a service has ended; in turn with `_await_end`, so that none is overlooked."""
        with self._turn:
            self.check_running()
            program = self.choose_program(words)
            process = subprocess.Popen([*program, *words], stdout=printed, stderr=PIPE, text=True)  # noqa: S603
            self._commands.add(process)
        return process

    def run_each(self, commands: Sequence[Sequence[str | Path]]) -> list[str]:
        """Run commands of one kind, as many at a time as there are processors; print the first and count the rest."""
        for number, command in enumerate(commands):
            if number < SHOWN_COMMANDS:
                click.echo(f"$ {shlex.join(['circe', *map(str, command)])}", err=True)
        if len(commands) > SHOWN_COMMANDS:
            click.echo(f"  ... and {len(commands) - SHOWN_COMMANDS} more like these", err=True)
        printed = list[str]()
        tell = now_and_then(lambda: click.echo(f"  {len(printed)} of {len(commands)} done", err=True))
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            try:
                for done in pool.map(lambda command: self.run(*command, quiet=True), commands):
                    printed.append(done)
                    tell()
            except KeyboardInterrupt:
                self._stop_commands("interrupted")
                raise
        return printed

    def hold_port(self) -> int:
        """Hold a port for a service until all are stopped, however long it takes until it listens there."""
        return self._held.enter_context(held_port())

    def start(self, log: Path, *arguments: str | Path) -> Service:
        """Start a service in the background, its messages going to a log file."""
        words = [str(argument) for argument in arguments]
        click.echo(f"$ {shlex.join(['circe', *words])} &", err=True)
        with log.open("ab") as output:
            program = self.choose_program(words)
            process = subprocess.Popen([*program, *words], stdout=output, stderr=output)  # noqa: S603
        service = Service(words, log, process)
        self._services.append(service)
        threading.Thread(target=self._await_end, args=(service,), daemon=True).start()
        return service

    def _await_end(self, service: Service) -> None:
        """Wait until a service ends; if nobody stopped it, stop every command that may be waiting for it."""
        service.process.wait()
        if not self._stopping:
            self._stop_commands(service.describe_end())

    def _stop_commands(self, reason: str) -> None:
        """Stop the commands that run, and begin no other; only the first reason counts."""
        with self._turn:
            if self._stopping or self._fall:
                return
            self._fall = reason
            for command in self._commands:
                command.terminate()

    def cpu_seconds(self) -> float:
        """Return the processor time that services have spent so far."""
        return sum(cpu_seconds(service.process.pid) for service in self._services)

    def check_running(self) -> None:
        """Raise `CommandFailed` when a service has ended by itself."""
        if self._fall:
            raise CommandFailed(self._fall)

    def stop_services(self, patience: float = 10.0) -> None:
        """Stop every service, and commands that were interrupted; all have that many seconds to finish what they do."""
        with self._turn:
            self._stopping = True
            services = (service.process for service in self._services)
            running: list[subprocess.Popen[str] | subprocess.Popen[bytes]] = [*self._commands, *services]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + patience
        for process in running:
            try:
                process.wait(timeout=max(0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._held.close()


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Have SIGINT and SIGTERM end what happens inside as Ctrl-C does, also where a shell started us in the background.

    Such a shell has its children ignore SIGINT; and SIGTERM by itself would end us alone, and leave every service
    behind. Only the first counts: what is being cleared away is not interrupted by a second.
    """

    def interrupt(*_: object) -> None:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_descendants() -> None:
    """End whatever this process has started and that still runs, services and commands.

    A signal may come while a command is being started, when nobody has a name for it yet.
    """
    for process in list(list_family(os.getpid()))[1:]:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGTERM)


@contextmanager
def held_port() -> Iterator[int]:
    """Hold a port of this machine: nobody who asks for any is given it, and who names it may listen there.

    As servers do that are started again, whoever names it says so with SO_REUSEADDR; the holder never listens.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def wait_for(address: str, hands: Stagehands, log: Path) -> None:
    """Wait until the hub answers. Raises `CommandFailed` when it ends instead, or does not for too long.

    That is half a minute, and as much again for each second that services have worked: a busy machine lets them wait.
    """
    began = time.monotonic()
    while (waited := time.monotonic() - began) < WAIT_SECONDS * (1 + hands.cpu_seconds()):
        hands.check_running()
        try:
            with urllib.request.urlopen(f"{address}/federation/register", timeout=2):  # noqa: S310 - our own address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise CommandFailed(f"the hub has not answered at {address} for {waited:.0f} seconds: see {log}")


def _pass_on(lines: Iterable[str], quiet: bool) -> Iterator[str]:
    """Yield what a command says on its standard error, and show a line of it every few seconds."""
    show = now_and_then(lambda line: click.echo(f"  {line.rstrip()}", err=True))
    for line in lines:
        if not quiet:
            show(line)
        yield line


def list_family(root: int) -> Iterator[int]:
    """Yield a process and its descendants; nothing where /proc does not tell."""
    yield root
    try:
        tasks = list(Path(f"/proc/{root}/task").iterdir())
        children = [child for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return
    for child in children:
        yield from list_family(int(child))


def cpu_seconds(root: int) -> float:
    """Return the processor time that a process and its descendants have spent; nothing where /proc does not tell."""
    return sum(map(_ticks, list_family(root))) / os.sysconf("SC_CLK_TCK")


def _ticks(process: int) -> int:
    """Return a process's own time in user and system mode, in clock ticks."""
    try:
        # The name, which comes second and in brackets, may hold anything at all.
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
    except OSError:
        return 0


def _resident_bytes(process: int) -> int:
    """Return a process's share of memory, pages in common with others counted in part."""
    try:
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
