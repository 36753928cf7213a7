"""The command line's root: `circe`. It imports a command only when that command runs, so that help is quick.

Every error ends here as one clear line on standard error and a documented exit code; no traceback is shown, since a
traceback can carry values.
"""

import importlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": ("federation.demo:demo", "A whole federation on this machine, and a query released."),
    "hub": ("hub.commands:hub", "Make and run the hub."),
    "node": ("node.commands:node", "Make, load, check and run an authority's node."),
    "member": ("federation.commands.member:member", "The register: keys, enrolment, joining."),
    "catalogue": ("query_engine.commands:catalogue", "What can be asked about, with definitions."),
    "project": ("federation.commands.project:project", "Write down what a project is, and have its papers written."),
    "query": ("federation.commands.query:query", "Check, run, follow and fetch aggregate queries."),
    "release": ("federation.commands.release:release", "Check a release; decide on those that wait for a checker."),
    "approve": ("federation.commands.approve:approve", "Read a query on your own machine and sign it."),
    "protect": ("federation.commands.protect:protect", "Protect a table that you already have, with proof."),
    "attack": ("federation.commands.attack:attack", "Try to undo a protected table, or a release."),
    "lookup": ("node.lookups.command:lookup", "Children across authorities, from your own node."),
    "audit": ("federation.commands.audit:audit", "Show, verify and prove audit logs."),
    "synth": ("node.synth.commands:synth", "Write a synthetic England as real-format return files."),
    "bench": ("federation.commands.bench:bench", "Measure speed, protection and use on this machine."),
}
"""Every command: where it lives and what it is for."""

ADDED: Mapping[str, Mapping[str, str]] = {
    "audit": {
        "subject": "node.disclosures.command:subject",
        "mark": "node.disclosures.command:mark",
        "lookup-proof": "node.disclosures.command:lookup_proof",
    },
}
"""Commands of a group that live in another room than the group does."""

ADMITTING: Mapping[str, str] = {"hub": "hub.officers:admit_to_log", "node": "node.lookups.officers:admit_to_log"}
"""Where each kind of party says who may act on its log: it knows its own people, and `circe audit` knows neither."""

EXIT_CODES: Mapping[str, int] = {
    "audit.connection.DatabaseUnavailable": 1,
    "audit.event.EventInvalid": 2,
    "audit.log.LogError": 2,
    "audit.log.LogUnreadable": 2,
    "audit.proof.ProofInvalid": 7,
    "audit.verifier.LogBroken": 7,
    "disclosure_control.presets.preset.PresetInvalid": 2,
    "disclosure_control.release.gate.ReleaseRefused": 4,
    "disclosure_control.release.reading.ReleaseMalformed": 4,
    "disclosure_control.suppression.certificate.CertificateInvalid": 6,
    "disclosure_control.suppression.lattice.TableUnusable": 2,
    "disclosure_control.noise.terms.NoiseRefused": 5,
    "disclosure_control.suppression.pattern.CannotProtect": 5,
    "federation.client.asking.QuestionIncomplete": 2,
    "federation.client.asking.StillRunning": 1,
    "federation.client.frames.PandasMissing": 2,
    "federation.client.manifests.ManifestMismatch": 4,
    "federation.envelope.EnvelopeError": 4,
    "federation.keys.KeyFileError": 2,
    "federation.manifest.ApprovalError": 4,
    "federation.project.ProjectInvalid": 2,
    "federation.register.RegisterError": 8,
    "federation.release_files.open_data.OpenDataUnfit": 4,
    "federation.releases.ReleaseMismatch": 4,
    "federation.replies.RefusalMismatch": 4,
    "federation.wire.WireError": 4,
    "federation.total_releases.TotalMismatch": 4,
    "federation.state.StateError": 2,
    "federation.tls.TlsInvalid": 2,
    "federation.hub_line.HubRefused": 9,
    "federation.hub_line.HubUnreachable": 9,
    "federation.processes.CommandFailed": 1,
    "node.lookups.purpose.PurposeMissing": 2,
    "node.tracking.changing.ReasonMissing": 2,
    "node.tracking.record.RecordMoved": 2,
    "node.tracking.visit.NoSuchChild": 2,
    "node.ingest.load.LoadFailed": 1,
    "node.ingest.report.NothingUsable": 3,
    "node.ingest.sources.LoadRefused": 2,
    "node.lookups.pace.TooManyLookups": 8,
    "node.lookups.same_policy.PolicyChanged": 8,
    "node.own_policy.PolicyMoved": 2,
    "node.snapshots.SnapshotDamaged": 2,
    "node.snapshots.SnapshotMissing": 2,
    "policies.access_policy.AccessDenied": 8,
    "policies.linter.PolicyInvalid": 2,
    "query_engine.column_links.CatalogueInvalid": 2,
    "query_engine.engines.EngineFailed": 1,
    "query_engine.refusal.QueryRefused": 4,
}
"""The exit code of each error that a command may end with; 2 is also click's own for bad arguments."""

NOT_OURS = ". Run circe as the user to whom it belongs, or have a directory made there for the user who runs it"
"""What to do where the system keeps a file or a directory from us."""

UNEXPECTED = 70
"""Exit code for an error that nobody foresaw (EX_SOFTWARE of sysexits.h)."""


class LazyGroup(click.Group):
    """A group that knows its commands' names and one-line help, and imports one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of a federation's life."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        command = _import_command(COMMANDS[cmd_name][0])
        for name, place in ADDED.get(cmd_name, {}).items():
            assert isinstance(command, click.Group)
            command.add_command(_import_command(place), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def _import_command(place: str) -> click.Command:
    module, attribute = place.split(":")
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command)
    return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="circe", prog_name="circe")
@click.pass_context
def circe(context: click.Context) -> None:
    """Ask England's authorities about the education of children in care, without gathering their records."""
    context.obj = _admit_to_log


def _admit_to_log(kind: str, state: Path, person: str, action: str) -> None:
    """Raise `AccessDenied` or `StateError` unless a person may do this to the log in a party's directory."""
    from federation.state import StateError

    if kind not in ADMITTING:
        raise StateError(f"{state} is of a {kind}, which has no log of its own: name a node's or a hub's directory")
    module, function = ADMITTING[kind].split(":")
    getattr(importlib.import_module(module), function)(state, person, action)


def main(arguments: list[str] | None = None) -> None:
    """Run `circe` and leave with its exit code."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code, having said on standard error what went wrong."""
    try:
        outcome: Any = circe.main(arguments, prog_name="circe", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; writing the rest, or complaining about it, would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return report_error(error)
    return outcome if isinstance(outcome, int) else 0


def report_error(error: Exception) -> int:
    """Print an error as one line and return its exit code."""
    from federation.terminal import plain_text

    for kind in type(error).__mro__:
        code = EXIT_CODES.get(f"{kind.__module__}.{kind.__qualname__}")
        if code is not None:
            complain(f"Error: {plain_text(str(error))}", error)
            return code
    if isinstance(error, OSError):
        advice = NOT_OURS if isinstance(error, PermissionError) else ""
        complain(f"Error: {error.filename or 'a file'}: {error.strerror or type(error).__name__}{advice}", error)
        return 2
    if os.environ.get("CIRCE_TRACEBACK"):
        raise error
    complain(
        f"Error: something unforeseen went wrong ({type(error).__name__}). Nothing half-done was kept; "
        "set CIRCE_TRACEBACK=1 and run the command again to see where.",
        error,
    )
    return UNEXPECTED


def complain(text: str, error: Exception) -> None:
    """Say on standard error what went wrong, in the form in which a service writes everything there."""
    writing = sys.modules.get("federation.service_log")
    if writing is not None and writing.is_structured():
        writing.log.error(text, extra=writing.told(error=type(error).__name__))
    else:
        click.echo(text, err=True)


if __name__ == "__main__":
    main()
