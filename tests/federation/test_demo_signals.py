"""`circe demo --serve` as a real process: SIGINT and SIGTERM end it and its services, wherever it was started from.

A shell that starts a command in the background has it ignore SIGINT, which is what `background` does here. The play
itself is left out: one service is started in its place, and the hub's address written down.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PLAY = """
import pathlib, sys
from federation import demo, processes
WAITS = "import signal; print('serving', flush=True); signal.pause()"
def perform(hands, place, *_):
    hands.program = (sys.executable, "-c")
    for name in ("hub", "people"):
        (place / name).mkdir()
    (place / "hub" / "member.toml").write_text('hub = "http://127.0.0.1:1"')
    service = hands.start(place / "hub.log", WAITS)
    while "serving" not in (place / "hub.log").read_text():
        hands.check_running()
    print(place, service.process.pid, flush=True)
    {also}
    return "", ()
demo.perform, demo.print_outcome = perform, lambda *_: None
from federation.cli import main
main(["demo", "--serve"])
"""
ENDINGS = {
    "in the middle of a command": ('hands.run("import signal; signal.pause()", str(place))', 130),
    "serving": ("pass", 0),
}
"""When the signal comes, and with what exit the demo ends: only one that serves has done all that it was to do."""


@contextmanager
def play(also: str) -> Iterator[subprocess.Popen[str]]:
    def background() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    program = [sys.executable, "-c", PLAY.format(also=also)]
    process = subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=background
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def _command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_text()
    except OSError:
        return ""


@pytest.mark.parametrize(("also", "code"), ENDINGS.values(), ids=ENDINGS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_ends_the_demo_its_services_and_its_state(number: signal.Signals, also: str, code: int) -> None:
    with play(also) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        place, service = demo.stdout.readline().split()
        last_word = "signal.pause" if code else "Press Ctrl-C"
        assert any(last_word in line for line in iter(demo.stderr.readline, ""))
        demo.send_signal(number)
        assert demo.wait(30) == code
        assert "Traceback" not in demo.stderr.read()
    assert not Path(place).exists()
    assert not [path for path in Path("/proc").glob("[0-9]*") if place in _command_line(path)]
    with pytest.raises(ProcessLookupError):
        os.kill(int(service), 0)
