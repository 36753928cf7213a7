"""`circe query fetch`: a release printed, or written into files beside what says and proves where it comes from."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from federation.terminal import plain_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from disclosure_control.presets.shelf import PresetShelf
    from disclosure_control.release.released import ReleasedTable
    from federation.client import FederationClient
    from federation.exchange import QueryStatus, ReleaseDocument
    from federation.release_files.forms import Form

BINARY = ("xlsx", "parquet", "arrow")
FORMS = ("table", "csv", "json", *BINARY)
FILE = click.Path(path_type=Path, dir_okay=False)


@dataclass(frozen=True)
class Wanted:
    """What is to be printed or written of a release."""

    form: str
    whole: bool
    margins: bool
    consistent: bool


@click.command()
@click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), required=True, help="Your own member directory."
)
@click.option("--format", "form", type=click.Choice(FORMS), default="table", show_default=True)
@click.option("--wait/--no-wait", default=True, show_default=True, help="Follow the query until it is settled.")
@click.option(
    "--whole/--view",
    default=None,
    help="Every row as released, or those that HAVING and LIMIT choose, in the order of ORDER BY. A table is the view, "
    "files are whole, and the JSON document always is.",
)
@click.option("--margins", is_flag=True, help="Margins of error in files and JSON too; a table always has them.")
@click.option("--consistent", is_flag=True, help="Beside noised counts, the nearest that add up and are not negative.")
@click.option(
    "--output",
    type=FILE,
    help="Write to this file, and beside it the provenance sheet, the release document, its proof and its evidence; "
    "print the paths.",
)
@click.option(
    "--open-data",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the Department for Education's pair of open data files into this directory, with a provenance sheet, "
    "the release document, its proof and its evidence, and print their paths alone.",
)
@click.option(
    "--proof",
    "proof_file",
    type=FILE,
    help="Write the proof that the release stands in the hub's log to this file, for circe audit verify-proof.",
)
@click.argument("cited", metavar="ID")
def fetch(
    state: Path,
    form: str,
    wait: bool,
    whole: bool | None,
    margins: bool,
    consistent: bool,
    output: Path | None,
    folder: Path | None,
    proof_file: Path | None,
    cited: str,
) -> None:
    """Print a released table or model, with its symbols, margins of error and method; or write it to files.

    ID is that of a query (Q-), or of the release itself (R-) as somebody cites it. Whoever asked for it, it is verified
    on this machine against what the nodes signed.
    """
    from federation.client import connect
    from federation.endings import describe_notice
    from federation.release_files.provenance import gather_proofs

    _check_wanted(form, whole, consistent, output)
    wanted = Wanted(form, form != "table" if whole is None else whole, margins, consistent)
    with connect(state) as client:
        if wait:
            _follow(client, cited)
        answered, presets = client.fetch_answered(cited), client.presets
        release, evidence = answered.document, client.gather_evidence(answered)
        notice = client.standing(release.query_id).notice
        # Asked for or not: that the hub logged just this, and when, is found out by the proof alone.
        proof = _fetch_proof(client, release)
    if notice is not None:
        click.echo(plain_text(describe_notice("This release", notice)), err=True)
    for left_open in answered.left_open:
        click.echo(plain_text(f"not rechecked: {left_open}"), err=True)
    if proof_file is not None:
        _write_all({proof_file: proof})
    if folder is not None:
        _print_paths(_write_folder(folder, release, presets, proof, evidence))
    elif output is not None:
        _print_paths(_write_output(output, release, wanted, presets, gather_proofs(release, proof, evidence)))
    elif form in BINARY:
        sys.stdout.buffer.write(_write_form(release, wanted, presets))
    else:
        shown = format_release(
            release, form, whole=wanted.whole, margins=margins, presets=presets, consistent=consistent
        )
        click.echo(shown, nl=False)


def _check_wanted(form: str, whole: bool | None, consistent: bool, output: Path | None) -> None:
    """Check that the options go together. Raises `click.UsageError`."""
    if form == "json" and whole is False:
        raise click.UsageError("a release document is whole: leave --view out, or ask for a table or CSV")
    if form == "json" and consistent:
        raise click.UsageError("a release document is as released: ask for --consistent as a table or CSV")
    if form in BINARY and output is None and sys.stdout.isatty():
        raise click.UsageError(f"{form} is no text: give --output FILE, or send standard output to a file")


def _follow(client: "FederationClient", cited: str) -> None:
    """Wait until a query is settled. What somebody else asked is not shown on its way: only its release is."""
    from federation.hub_line import HubRefused
    from federation.releases import is_release_id

    if is_release_id(cited):
        return
    try:
        client.query(cited).wait(tell_progress)
    except HubRefused as refused:
        if refused.problem.code != "query_unknown":
            raise


def tell_progress(status: "QueryStatus") -> None:
    """Say on standard error where a query stands."""
    answered = sum(node.outcome != "awaited" for node in status.nodes)
    click.echo(f"{status.state}: {answered} of {len(status.nodes)} nodes have answered", err=True)


def _fetch_proof(client: "FederationClient", release: "ReleaseDocument") -> bytes:
    proof, told = client.fetch_proof(release)
    click.echo(told, err=True)
    return proof


def _write_form(release: "ReleaseDocument", wanted: Wanted, presets: "PresetShelf") -> bytes:
    from federation.release_files.forms import show_release, write_form

    shown = show_release(release, presets, whole=wanted.whole, consistent=wanted.consistent)
    return write_form(release, shown, cast("Form", wanted.form), margins=wanted.margins)


def _write_output(
    output: Path, release: "ReleaseDocument", wanted: Wanted, presets: "PresetShelf", proofs: "Mapping[str, bytes]"
) -> list[Path]:
    """Write a release to a file, and beside it what goes with it; return the paths."""
    from federation.release_files.provenance import SHEET_SUFFIX, write_provenance

    if wanted.form in ("table", "json"):
        text = format_release(
            release,
            wanted.form,
            whole=wanted.whole,
            margins=wanted.margins,
            presets=presets,
            consistent=wanted.consistent,
        )
        content = text.encode()
    else:
        content = _write_form(release, wanted, presets)
    output.parent.mkdir(parents=True, exist_ok=True)
    return _write_all(
        {
            output: content,
            output.with_suffix(SHEET_SUFFIX): write_provenance(release),
            **{output.with_suffix(ending): content for ending, content in proofs.items()},
        }
    )


def _write_folder(
    folder: Path, release: "ReleaseDocument", presets: "PresetShelf", proof: bytes, evidence: bytes
) -> list[Path]:
    """Write a release's open data files and what goes with them, each whole or not at all; return their paths.

    Raises `OpenDataUnfit`.
    """
    from federation.release_files.folder import gather_files

    files = gather_files(release, proof, presets, evidence)
    folder.mkdir(parents=True, exist_ok=True)
    return _write_all({folder / name: content for name, content in files.items()})


def _write_all(files: "Mapping[Path, bytes]") -> list[Path]:
    from federation.state import write_file

    for path, content in files.items():
        write_file(path, content)
    return list(files)


def _print_paths(paths: list[Path]) -> None:
    for path in paths:
        click.echo(path)


def format_release(
    release: "ReleaseDocument",
    form: str,
    *,
    whole: bool = False,
    margins: bool = False,
    presets: "PresetShelf | None" = None,
    consistent: bool = False,
) -> str:
    """Return a release as text for people, as CSV, or as its JSON document.

    Text and CSV are of the rows that the query asks to see, unless `whole`. With `margins` CSV has two columns more
    for each figure, and the JSON object a key `margins` more, which is no part of the release document. A model is
    always whole, and has its intervals in it.
    """
    from disclosure_control.models.reading import read_release
    from disclosure_control.models.release import ReleasedModel
    from federation.wire import encode_document

    released = read_release(release.table)
    if form == "json" and (not margins or isinstance(released, ReleasedModel)):
        return encode_document(release).decode() + "\n"
    head = [f"Release {plain_text(release.release_id)} of query {plain_text(release.query_id)}"]
    if isinstance(released, ReleasedModel):
        return released.to_csv() if form == "csv" else _print_release(head, released.to_text())
    return _format_table(
        release, released, form, head, whole=whole, margins=margins, presets=presets, consistent=consistent
    )


def _format_table(
    release: "ReleaseDocument",
    table: "ReleasedTable",
    form: str,
    head: list[str],
    *,
    whole: bool,
    margins: bool,
    presets: "PresetShelf | None",
    consistent: bool,
) -> str:
    from disclosure_control.presets.shelf import SHIPPED
    from disclosure_control.release.showing import show_table
    from federation.wire import encode_document

    shown = show_table(
        table, release.sql, whole=whole or form == "json", presets=presets or SHIPPED, consistent=consistent
    )
    if form == "json":
        document = {**json.loads(encode_document(release)), "margins": shown.margins_to_json()}
        return json.dumps(document, ensure_ascii=False) + "\n"
    if form == "csv":
        return shown.to_csv(margins=margins)
    head += [f"{shown.chosen}; --whole shows all as released."] if shown.chosen else []
    return _print_release(head, shown.to_text())


def _print_release(head: list[str], text: str) -> str:
    return plain_text("\n".join([*head, "", text]), limit=10_000_000) + "\n"
