"""The stagehands of the demo: they run `circe` commands and services as processes of their own, and measure them."""

import os
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE

import click

CIRCE = (sys.executable, "-m", "federation.cli")
SHOWN_COMMANDS = 12
"""How many commands of one kind are printed before the rest are counted."""


PROGRESS_SECONDS = 5.0
"""How often long work says how far it is."""


class CommandFailed(Exception):
    """A command of the demo did not succeed; its own words are in the text."""


@dataclass(frozen=True)
class Stage:
    """One stage of the demo: how long it took, and the most memory all its processes had at once."""

    name: str
    seconds: float
    peak_mib: int


@dataclass
class Stagehands:
    """Run commands, printing each, and time them stage by stage."""

    stages: list[Stage] = field(default_factory=list)
    _services: list[subprocess.Popen[bytes]] = field(default_factory=list)
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
            self._peak = max(self._peak, sum(map(_resident_bytes, _family(os.getpid()))))
            if stop.wait(0.25):
                return

    def run(self, *arguments: str | Path, quiet: bool = False) -> str:
        """Run one command to its end and return what it printed. Raises `CommandFailed`."""
        words = [str(argument) for argument in arguments]
        if not quiet:
            click.echo(f"$ {shlex.join(['circe', *words])}", err=True)
        # Standard output goes to a file, since a pipe that nobody reads would fill up and stop the command.
        with tempfile.TemporaryFile("w+") as printed:
            with subprocess.Popen([*CIRCE, *words], stdout=printed, stderr=PIPE, text=True) as process:  # noqa: S603
                assert process.stderr is not None
                said = deque(_pass_on(process.stderr, quiet), maxlen=20)
            if process.returncode:
                raise CommandFailed(f"circe {words[0]} ended with {process.returncode}: {''.join(said).strip()}")
            printed.seek(0)
            return printed.read()

    def run_each(self, commands: Sequence[Sequence[str | Path]]) -> list[str]:
        """Run commands of one kind, as many at a time as there are processors; print the first and count the rest."""
        for number, command in enumerate(commands):
            if number < SHOWN_COMMANDS:
                click.echo(f"$ {shlex.join(['circe', *map(str, command)])}", err=True)
        if len(commands) > SHOWN_COMMANDS:
            click.echo(f"  ... and {len(commands) - SHOWN_COMMANDS} more like these", err=True)
        printed, shown = [], time.monotonic()
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for done in pool.map(lambda command: self.run(*command, quiet=True), commands):
                printed.append(done)
                if time.monotonic() - shown > PROGRESS_SECONDS:
                    click.echo(f"  {len(printed)} of {len(commands)} done", err=True)
                    shown = time.monotonic()
        return printed

    def start(self, log: Path, *arguments: str | Path) -> subprocess.Popen[bytes]:
        """Start a service in the background, its messages going to a log file."""
        words = [str(argument) for argument in arguments]
        click.echo(f"$ {shlex.join(['circe', *words])} &", err=True)
        with log.open("ab") as output:
            service = subprocess.Popen([*CIRCE, *words], stdout=output, stderr=output)  # noqa: S603
        self._services.append(service)
        return service

    def check_running(self) -> None:
        """Raise `CommandFailed` when a service has ended by itself."""
        for service in self._services:
            if service.poll() is not None:
                raise CommandFailed(f"a service ended with {service.returncode}; its log is beside the state")

    def stop_services(self) -> None:
        """Stop every service, waiting a little for each to finish what it does."""
        for service in self._services:
            service.terminate()
        for service in self._services:
            try:
                service.wait(timeout=10)
            except subprocess.TimeoutExpired:
                service.kill()
                service.wait()


def _pass_on(lines: Iterable[str], quiet: bool) -> Iterator[str]:
    """Yield what a command says on its standard error, and show a line of it every few seconds."""
    shown = time.monotonic()
    for line in lines:
        if not quiet and time.monotonic() - shown > PROGRESS_SECONDS:
            click.echo(f"  {line.rstrip()}", err=True)
            shown = time.monotonic()
        yield line


def _family(root: int) -> Iterator[int]:
    """Yield a process and its descendants; nothing where /proc does not tell."""
    yield root
    try:
        tasks = list(Path(f"/proc/{root}/task").iterdir())
        children = [child for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return
    for child in children:
        yield from _family(int(child))


def _resident_bytes(process: int) -> int:
    """Return a process's share of memory, pages in common with others counted in part."""
    try:
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
