"""The demo's processes: a service that dies ends the demo at once, in one sentence that says which, how and where.

The services and commands here are small Python programs. A command opens the pipe that its service reads, which is how
the service learns that the command is waiting, and then waits for good, as a command does whose answer never comes.
"""

import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner

from federation import demo
from federation.processes import CommandFailed, Stagehands, wait_for

WAIT_FOR_EVER = "import signal, sys; open(sys.argv[1], 'w').close(); signal.alarm(20); signal.pause()"
"""A command that tells the service to end, and waits. The alarm ends it where nothing else does."""

END_SLOWLY = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.3), sys.exit(3)))
open(sys.argv[1], "w").close()
signal.alarm(20)
signal.pause()
"""
"""A command that is told to end, and takes a moment."""

DIE = {
    "status 3": "import sys; open(sys.argv[1]).read(); sys.exit(3)",
    "status 0": "import sys; open(sys.argv[1]).read()",
    "signal 9 (Killed)": "import os, sys; open(sys.argv[1]).read(); os.kill(os.getpid(), 9)",
}


@pytest.fixture
def hands() -> Stagehands:
    """Stagehands whose programs are Python's own arguments."""
    return Stagehands(program=(sys.executable, "-c"))


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A named pipe: whoever opens one end waits for the other."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


@pytest.mark.parametrize(("how", "program"), DIE.items(), ids=DIE)
def test_a_command_is_not_waited_for_when_a_service_has_died(
    hands: Stagehands, pipe: Path, how: str, program: str
) -> None:
    """The error names the service, its process, how it ended and its log, and says nothing of the command stopped."""
    log = pipe.with_name("nodes-0.log")
    service = hands.start(log, program, pipe)
    with pytest.raises(CommandFailed) as failed:
        hands.run(WAIT_FOR_EVER, pipe)
    said = str(failed.value)
    assert said.startswith("circe 'import ")
    assert f"(process {service.process.pid}) ended by itself with {how}: see {log}" in said
    assert "alarm" not in said
    hands.stop_services()


def test_no_command_is_begun_once_a_service_has_died(hands: Stagehands, pipe: Path) -> None:
    """Commands that run side by side are stopped, and the next never starts."""
    hands.start(pipe.with_name("hub.log"), DIE["status 3"], pipe)
    begun = pipe.with_name("begun")
    with pytest.raises(CommandFailed, match=r"status 3: see .*hub\.log"):
        hands.run_each([(WAIT_FOR_EVER, pipe)])
    with pytest.raises(CommandFailed, match=r"status 3: see .*hub\.log"):
        hands.run(f"open({str(begun)!r}, 'w')")
    assert not begun.exists()
    hands.stop_services()


def test_a_service_that_is_stopped_has_not_died(hands: Stagehands, tmp_path: Path) -> None:
    """Stopping services at the end of the demo is no failure."""
    service = hands.start(tmp_path / "hub.log", "import signal; signal.pause()")
    hands.check_running()
    hands.stop_services()
    hands.check_running()
    assert service.process.returncode == -15


def test_a_command_that_was_left_is_stopped_and_waited_for(hands: Stagehands, pipe: Path) -> None:
    """As one is that an interrupt has come to: it takes a moment to end, and is gone when all are stopped."""
    with ThreadPoolExecutor(1) as pool:
        left = pool.submit(hands.run, END_SLOWLY, pipe)
        pipe.read_text()
        (command,) = hands._commands
        hands.stop_services()
        assert command.poll() == 3
        with pytest.raises(CommandFailed, match="ended with 3"):
            left.result(20)


def test_a_command_that_fails_is_told_from_a_service_that_dies(hands: Stagehands) -> None:
    with pytest.raises(CommandFailed, match="ended with 4: no such thing"):
        hands.run("import sys; print('no such thing', file=sys.stderr); sys.exit(4)")


SERVE_LATE = """
import http.server, sys, time
time.sleep(0.5)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
"""A hub that is up after half a second, in which it hardly works."""


@pytest.mark.parametrize("worked", [0, 1_000])
def test_a_hub_is_waited_for_by_what_it_has_worked(
    hands: Stagehands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worked: int
) -> None:
    """One that a busy machine lets wait is not given up; one that does nothing is."""
    monkeypatch.setattr("federation.processes.WAIT_SECONDS", 0.1)
    monkeypatch.setattr("federation.processes.cpu_seconds", lambda _: worked)
    (tmp_path / "federation").mkdir()
    (tmp_path / "federation" / "register").write_text("{}")
    monkeypatch.chdir(tmp_path)
    port, log = hands.hold_port(), tmp_path / "hub.log"
    hands.start(log, SERVE_LATE if worked else "import signal; signal.pause()", str(port))
    with nullcontext() if worked else pytest.raises(CommandFailed, match="has not answered"):
        wait_for(f"http://127.0.0.1:{port}", hands, log)
    hands.stop_services()


def test_a_port_is_held_until_somebody_listens_there(hands: Stagehands) -> None:
    """By name it can be had, as a server asks for it; whoever asks for any port gets another."""
    port = hands.hold_port()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))
    with socket.create_server(("127.0.0.1", port)) as server:
        assert server.getsockname()[1] == port
    hands.stop_services()


@pytest.mark.parametrize("failed", [True, False])
def test_a_demo_that_fails_leaves_its_logs_and_nothing_else(
    failed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log that the error names can be read; the state goes, and after a good demo the logs go too."""
    place = tmp_path / "circe-demo"

    def play(hands: Stagehands, where: Path, *_: object) -> str:
        (where / "node-301").mkdir(parents=True)
        (where / "register.json").touch()
        (where / "hub.log").write_text("the reason")
        if failed:
            raise CommandFailed("the hub has died")
        return "{}"

    monkeypatch.setattr("tempfile.mkdtemp", lambda prefix: str(place))
    monkeypatch.setattr(demo, "perform", play)
    monkeypatch.setattr(demo, "print_outcome", lambda *_: None)
    done = CliRunner().invoke(demo.demo, [])
    assert isinstance(done.exception, CommandFailed) == failed
    assert [path.name for path in place.glob("*")] == (["hub.log"] if failed else [])
    assert place.exists() == failed


def test_a_file_of_the_folder_stands_for_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has a `federation.py` or a `node.py` of their own where they run the demo still runs Circe."""
    for name in ("federation.py", "node.py"):
        (tmp_path / name).write_text("raise SystemExit(9)\n")
    monkeypatch.chdir(tmp_path)
    Stagehands().run("node", "--help")
