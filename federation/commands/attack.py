"""`circe attack`: try to undo a table that is published, or a release."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from federation.commands.protect import INPUT, read_text, read_trees, split_columns, table_options
from federation.progress import say_to_a_terminal

if TYPE_CHECKING:
    from disclosure_control.suppression.attack import Attack
    from disclosure_control.suppression.lattice import Lattice

UNSAFE = 6
"""The exit code of a table of which a reader can work out too much."""

Found = list[tuple[str, "Lattice", "Attack"]]


@click.command()
@click.argument("published", metavar="TABLE|RELEASE", type=INPUT)
@table_options
@click.option("--value", metavar="COL", help="A column of sums that is published beside the counts.")
@click.option("--certificate", type=INPUT, help="Verify this certificate of the table first.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def attack(published: Path, trees: tuple[str, ...], form: str, **named: Any) -> int:
    """Work out what a reader can about the figures withheld from a protected table (CSV), or from a release file.

    Every withheld cell is treated alike. The attack adds and subtracts, and knows the rule; it does not guess.
    """
    text = read_text(published)
    if _is_release(text):
        found = _attack_release(text, named["preset"], named["certificate"])
    else:
        found = _attack_file(text, trees, **named)
    if not found:
        click.echo("Nothing was attacked: no counts of it add up, or noise or cell keys are in all of them.", err=True)
    if found or form == "json":
        click.echo(json.dumps(_describe(found)) if form == "json" else _write(found))
    if named["certificate"] is not None:
        click.echo("The certificate holds.", err=True)
    if all(each.is_safe for _, _, each in found):
        return 0
    click.echo("Not safe: a reader can work out, or read, figures that the preset withholds.", err=True)
    return UNSAFE


def _attack_file(
    text: str,
    trees: tuple[str, ...],
    preset: str | None,
    count: str | None,
    by: str | None,
    value: str | None,
    certificate: Path | None,
) -> Found:
    from disclosure_control.presets.shelf import find_preset
    from disclosure_control.suppression.analyst_table import attack_table
    from disclosure_control.suppression.table_file import read_table

    columns = split_columns(preset, count, by)
    assert preset is not None
    assert count is not None
    content = certificate.read_bytes() if certificate is not None else None
    rules, hierarchies, tell = find_preset(preset), read_trees(trees), say_to_a_terminal()
    return list(attack_table(read_table(text), rules, count, columns, hierarchies, content, value, tell))


def _is_release(text: str) -> bool:
    return text.lstrip().startswith("{")


def _attack_release(text: str, preset: str | None, certificate: Path | None) -> Found:
    from disclosure_control.presets.shelf import find_preset
    from disclosure_control.release.reading import read_released
    from disclosure_control.suppression.release_attack import attack_release, verify_release_certificate
    from federation.exchange import ReleaseDocument
    from federation.manifest import Path as LeavingPath
    from federation.plans import derive_plan
    from federation.wire import decode_document

    release = decode_document(text.rstrip("\n").encode(), ReleaseDocument)
    plan = derive_plan(release.sql, LeavingPath(read_released(release.table).path))
    rules = None if preset is None else find_preset(preset)
    if certificate is not None:
        verify_release_certificate(certificate.read_bytes(), release.table, plan, rules)
    return list(attack_release(release.table, plan, rules, say_to_a_terminal()))


def _describe(found: Found) -> dict[str, Any]:
    """All columns together, as scripts read it."""
    return {
        "withheld": sum(each.withheld for _, _, each in found),
        "exact": sum(each.exact for _, _, each in found),
        "below_rule": sum(each.below_rule for _, _, each in found),
        "barred": sum(len(each.barred) for _, _, each in found),
        "zeros": sum(len(each.zeros) for _, _, each in found),
        "intervals": [
            {"column": column, "at": dict(sorted(lattice.keys[known.cell])), "low": known.low, "high": known.high}
            for column, lattice, each in found
            for known in each.known
        ],
        "safe": all(each.is_safe for _, _, each in found),
    }


def _write(found: Found) -> str:
    lines = []
    for column, lattice, each in found:
        found_out = f"{each.exact} found exactly, {each.below_rule} known more closely than the rule allows"
        lines.append(f"{column}: {each.withheld} withheld, {found_out}")
        lines += [
            f"  {lattice.describe(known.cell)}: {_limit(known.low, 'any')} to {_limit(known.high, 'any')}"
            for known in each.known
        ]
        lines += [f"  {lattice.describe(cell)}: 0, as all its parts are printed" for cell in sorted(each.zeros)]
        lines += [f"  {lattice.describe(cell)}: printed, and the rule withholds it" for cell in sorted(each.barred)]
    return "\n".join(lines)


def _limit(end: int | None, unlimited: str) -> str:
    return unlimited if end is None else str(end)
