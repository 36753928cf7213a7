"""The attack on a release: its counts, column by column, with all that is printed beside them of the same rows."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from disclosure_control.layout import MISSING
from disclosure_control.linked.children.counted import counts_of
from disclosure_control.linked.children.parts import TooTangled
from disclosure_control.presets.preset import TOTAL_LEVEL, ByLevel, Preset
from disclosure_control.presets.shipped import load_preset
from disclosure_control.release.reading import read_released
from disclosure_control.release.released import ReleasedTable
from disclosure_control.rows.protected_table import Entry
from disclosure_control.suppression.attack import Attack, Contradiction, attack_view
from disclosure_control.suppression.certificate import (
    CertificateInvalid,
    Certified,
    find_barred,
    read_columns,
    verify_certificate,
    write_certificate,
)
from disclosure_control.suppression.hierarchy import AUTHORITY, Hierarchy, flat_hierarchy
from disclosure_control.suppression.lattice import Lattice, Layout, TableUnusable, build_lattice
from disclosure_control.suppression.progress import Progress, say_nothing
from disclosure_control.suppression.rules import CountRule
from disclosure_control.suppression.view import UNKNOWN, WITHHELD, Printed, added_zeros, view_printed
from disclosure_control.suppression.witnesses import find_witnesses
from disclosure_control.symbols import Symbol
from query_engine.planning.plan import Output, QueryPlan
from query_engine.planning.region import RegionTangled

__all__ = ["attack_release", "certify_release", "named_zeros", "unspoken", "verify_named_columns"]
__all__ += ["verify_release_certificate"]


def attack_release(
    document: object, plan: QueryPlan, preset: Preset | None = None, progress: Progress = say_nothing
) -> Iterator[tuple[str, Lattice, Attack]]:
    """Attack each column of counts of a released table, which answers this plan; added presets have to be given.

    Figures with noise in them, or changed by cell keys, do not add up: there is nothing to attack in this way. Raises
    `ReleaseMalformed`, `PresetInvalid`, and `TableUnusable` where figures contradict each other.
    """
    for each, rule in _columns(document, plan, preset):
        try:
            attack = attack_view(each.view, progress=progress)
            withheld = attack.withheld + len(each.zeros)
            found = replace(attack, withheld=withheld, barred=find_barred(each, rule), zeros=each.zeros)
            yield each.column, each.view.lattice, found
        except Contradiction as contradiction:
            raise TableUnusable(f"column {each.column}: {contradiction}") from None


def certify_release(document: object, plan: QueryPlan, preset: Preset | None = None) -> bytes:
    """The certificate of a released table: of every column of counts, witnesses that nothing is told of a withheld one.

    It is a function of what is released alone. Raises `ReleaseMalformed`; `TableUnusable` where there is no such proof.
    """
    found = []
    for each, _ in _columns(document, plan, preset):
        try:
            witnesses = find_witnesses(each.view)
        except Contradiction as contradiction:
            raise TableUnusable(f"column {each.column}: {contradiction}") from None
        if told := witnesses.told():
            raise TableUnusable(f"column {each.column}: {each.view.lattice.describe(told[0])} is told")
        found.append(replace(each, witnesses=witnesses))
    return write_certificate(found)


def verify_release_certificate(content: bytes, document: object, plan: QueryPlan, preset: Preset | None = None) -> None:
    """Check a release's certificate by adding up, but for `unspoken` columns.

    Raises `ReleaseMalformed`, `TableUnusable`, `CertificateInvalid`.
    """
    columns, left_out = _columns(document, plan, preset), unspoken(content, plan)
    verify_certificate(content, [each for each, _ in columns if each.column not in left_out])


def unspoken(content: bytes, plan: QueryPlan) -> tuple[str, ...]:
    """Counts of distinct children of which a certificate does not speak: one made by earlier software spoke of none.

    Raises `CertificateInvalid`.
    """
    spoken = {name for name, _ in read_columns(content)} | {each.label for each in plan.outputs if _counts_rows(each)}
    return tuple(label for label, _ in _list_counts(plan) if label not in spoken)


def _columns(document: object, plan: QueryPlan, preset: Preset | None) -> Iterator[tuple[Certified, CountRule]]:
    """Each column of counts as a reader has it, and what it is printed by.

    Raises `ReleaseMalformed` and `TableUnusable`.
    """
    table = read_released(document)
    if table.path != "noisy_sum" and _load(table, preset).cell_key is not None:
        return
    if table.plan_id != plan.plan_id:
        raise TableUnusable("the release is of another plan than its SQL has")
    if table.path == "noisy_sum":
        return
    rule = _rule(_load(table, preset), table)
    lattice = build_lattice([_lay_out(table)])
    for label, is_of_all in _list_counts(plan):
        yield _view(label, table, lattice, rule, is_of_all=is_of_all), rule


def _view(column: str, table: ReleasedTable, lattice: Lattice, rule: CountRule, *, is_of_all: bool) -> Certified:
    """A column of counts as a reader has it.

    A count with a condition is withheld with the whole of its row, also where it is none. That it is none is told then,
    unless it is a total of shown zeros alone: the table says so of everybody whom the row is about.
    """
    place = table.columns.index(column)
    printed = [_read(row[place]) for row in table.rows]
    if is_of_all:
        return Certified(column, view_printed(lattice, rule, printed), printed)
    zeros = added_zeros(lattice, printed) if rule.shows_zero else frozenset[int]()
    read = [0 if cell in zeros else entry for cell, entry in enumerate(printed)]
    return Certified(column, view_printed(lattice, replace(rule, shows_zero=False), read), printed, zeros=zeros)


def verify_named_columns(content: bytes, document: object, preset: Preset | None = None) -> None:
    """Check a release's certificate without its plan, for the columns that it speaks of.

    That these are all columns of counts, and which of them count all rows, only the plan tells. Raises as
    `verify_release_certificate`.
    """
    verify_certificate(content, list(_named_columns(content, document, preset)))


def named_zeros(content: bytes, document: object, preset: Preset | None = None) -> tuple[str, ...]:
    """Of the columns that a certificate speaks of those with a withheld 0 that printed ones add up to.

    Raises `ReleaseMalformed`, `TableUnusable`, `CertificateInvalid`.
    """
    return tuple(each.column for each in _named_columns(content, document, preset) if each.zeros)


def _named_columns(content: bytes, document: object, preset: Preset | None) -> Iterator[Certified]:
    table = read_released(document)
    rule, lattice = _rule(_load(table, preset), table), build_lattice([_lay_out(table)])
    for name, stated in read_columns(content):
        if table.decimals.get(name) != 0:
            raise CertificateInvalid(f"the release has no column of counts that is called {name!a}")
        yield _view(name, table, lattice, rule, is_of_all=stated.get("shows_zero") == rule.shows_zero)


def _load(table: ReleasedTable, given: Preset | None) -> Preset:
    """The preset that protects a release, which is the given one if there is one."""
    preset = given or load_preset(table.preset)
    if (preset.name, preset.version) != (table.preset, table.preset_version):
        protected, here = f"{table.preset} {table.preset_version}", f"{preset.name} {preset.version}"
        raise TableUnusable(f"the release is protected by the preset {protected}, and this is {here}")
    return preset


def _rule(preset: Preset, table: ReleasedTable) -> CountRule:
    """The rule of a preset; totals over a roster are rounded as those of the nation are."""
    if not table.is_total:
        return CountRule.of(preset)
    base = preset.at(TOTAL_LEVEL).rounding_base
    return replace(CountRule.of(preset), bases=ByLevel(base, base, base))


def _list_counts(plan: QueryPlan) -> Iterator[tuple[str, bool]]:
    """The columns of counts that add up, in the plan's order, and whether each counts all that its table does."""
    try:
        found = {each.label: each.rows == plan.where for each in counts_of(plan) if each.adds_up and not each.implied}
    except (RegionTangled, TooTangled):
        found = {}
    for output in plan.outputs:
        if output.label in found or _counts_rows(output):
            yield output.label, found.get(output.label, output.statistics == ("rows",))


def _counts_rows(output: Output) -> bool:
    """Whether an output counts rows, which are in one cell each; distinct children can be in several."""
    return output.kind in ("count", "regr_count") or (output.kind == "sum" and output.indicator)


def _lay_out(table: ReleasedTable) -> Layout:
    """The categories of the rows, authorities first, which are not added up; a total has none."""
    named = [column for column in table.columns if column not in table.decimals]
    places = [table.columns.index(label) for label in named]
    rows = tuple(tuple(_name(row[place]) for place in places) for row in table.rows)
    columns = list(zip(*rows, strict=True))
    hierarchies = [flat_hierarchy(codes) for codes in columns]
    if not table.is_total:
        hierarchies[0] = _authorities(columns[0])
    if not named:
        return Layout(("all",), (flat_hierarchy(["all"]),), (("all",),))
    return Layout(tuple(named), tuple(hierarchies), rows)


def _authorities(codes: Sequence[str]) -> Hierarchy:
    known = dict.fromkeys(codes)
    return Hierarchy(dict.fromkeys(known, ""), dict.fromkeys(known, AUTHORITY))


def _name(entry: Entry) -> str:
    return MISSING if entry is None else str(entry)


def _read(entry: Entry) -> Printed:
    if isinstance(entry, int) and not isinstance(entry, bool):
        return entry
    return WITHHELD if entry == Symbol.CONFIDENTIAL else UNKNOWN
