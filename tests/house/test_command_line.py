"""The command line as a whole: quick help, documented exit codes, and no traceback whatever goes wrong."""

import importlib
import subprocess
import sys
from pathlib import Path

import click
import pytest

from federation.cli import COMMANDS, EXIT_CODES, circe, report_error, run
from federation.state import StateError


def test_every_command_is_where_the_root_says() -> None:
    """The list of commands is complete: each imports, and each says what it is for."""
    for name in COMMANDS:
        command = circe.get_command(click.Context(circe), name)
        assert command is not None, name
        assert command.help, name


def test_every_error_with_an_exit_code_exists() -> None:
    """A class that was renamed, or moved, would otherwise end in the code for the unforeseen."""
    for path in EXIT_CODES:
        module, _, name = path.rpartition(".")
        found = getattr(importlib.import_module(module), name)
        assert issubclass(found, Exception), path
        assert f"{found.__module__}.{found.__qualname__}" == path


def test_help_imports_no_heavy_module() -> None:
    """Help answers at once, since nothing heavy is imported before a command runs."""
    heavy = {"duckdb", "sqlglot", "flask", "cryptography", "casbin", "http.client", "msgspec", "gunicorn", "numpy"}
    script = (
        "import sys; from federation.cli import run; code = run(['--help']);"
        f"print(sorted(set(sys.modules) & {heavy!r}), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "catalogue" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["node", "init", "--state", "{tmp}/n", "--authority", "999"],
        ["node", "init", "--state", "{tmp}/n"],
        ["node", "load", "--state", "{tmp}/absent", "{tmp}"],
        ["node", "check", "--state", "{tmp}/absent"],
        ["member", "join", "--state", "{tmp}/absent", "--hub", "x", "--root-key", "{tmp}/root.pub"],
        ["query", "status", "--state", "{tmp}/absent"],
        ["approve", "--state", "{tmp}/absent", "Q-0"],
        ["hub", "serve", "--state", "{tmp}/absent"],
        ["audit", "verify", "--state", "{tmp}/absent"],
        ["nonsense"],
    ],
    ids=" ".join,
)
def test_bad_arguments_end_in_one_clear_line(
    arguments: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, nothing on standard output, a sentence on standard error, and no traceback."""
    code = run([argument.replace("{tmp}", str(tmp_path)) for argument in arguments])
    out, err = capfd.readouterr()
    assert code == 2
    assert out == ""
    assert "Error: " in err
    assert "Traceback" not in err


def test_an_unforeseen_error_shows_neither_traceback_nor_value(capfd: pytest.CaptureFixture[str]) -> None:
    """Even an error that nobody foresaw tells no value: a traceback can carry a child's name."""
    assert report_error(ValueError("Aurelia Exemplar")) == 70
    shown = capfd.readouterr().err
    assert "Aurelia" not in shown
    assert "ValueError" in shown


def test_an_error_cannot_steer_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    """Part of an error may come from another member; escapes in it are shown as question marks."""
    assert report_error(StateError("the hub says \x1b[2J\x9b31m nothing\u202e")) == 2
    shown = capfd.readouterr().err
    assert shown.startswith("Error: the hub says ?[2J?31m nothing?")


def test_what_the_system_keeps_from_us_is_named_with_a_way_out(capfd: pytest.CaptureFixture[str]) -> None:
    assert report_error(PermissionError(13, "Permission denied", "/srv/circe")) == 2
    told = capfd.readouterr().err
    assert told.startswith("Error: /srv/circe: Permission denied. Run circe as the user to whom it belongs")
    assert report_error(OSError(28, "No space left on device", "/srv/circe")) == 2
    assert capfd.readouterr().err == "Error: /srv/circe: No space left on device\n"
