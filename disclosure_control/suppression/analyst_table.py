"""A table that somebody already has, protected and attacked: its file on one side, cells and rules on the other."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from disclosure_control.presets.preset import Dominance, Preset
from disclosure_control.presets.shipped import load_preset
from disclosure_control.suppression.attack import Attack, Contradiction, attack_view
from disclosure_control.suppression.certificate import Certified, find_barred, verify_certificate, write_certificate
from disclosure_control.suppression.contributions import Contributions, seen_of_one
from disclosure_control.suppression.hidden_totals import check_no_hidden_total
from disclosure_control.suppression.hierarchy import Hierarchy
from disclosure_control.suppression.lattice import Lattice, Layout, Relation, TableUnusable, build_lattice
from disclosure_control.suppression.pattern import CannotProtect, Ties, needs_of
from disclosure_control.suppression.progress import Progress, say_nothing
from disclosure_control.suppression.reader import view_read
from disclosure_control.suppression.rules import CountRule, MagnitudeRule, TableRule
from disclosure_control.suppression.table_file import TableFile, write_rows
from disclosure_control.suppression.table_protection import ProtectedCells, protect_cells
from disclosure_control.suppression.view import UNKNOWN, WITHHELD, Printed

__all__ = ["Magnitudes", "ProtectedFile", "attack_table", "protect_table"]


AS_COUNTED = "give figures as they were counted, before any are rounded: what is withheld goes by how they add up"


@dataclass(frozen=True)
class Magnitudes:
    """The columns of a sum and of the two largest contributions to it."""

    value: str
    first: str
    second: str

    @property
    def columns(self) -> tuple[str, str, str]:
        """The three, in this order."""
        return self.value, self.first, self.second


@dataclass(frozen=True)
class ProtectedFile:
    """The rows of a table as they may be shown, with their certificate, and what to tell whoever asked."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    certificate: bytes
    notes: tuple[str, ...]

    def to_csv(self) -> str:
        """The table as CSV."""
        return write_rows(self.columns, self.rows)

    def to_json(self) -> str:
        """The table as a JSON object; figures are text, as in the CSV."""
        return json.dumps({"columns": self.columns, "rows": self.rows, "notes": self.notes})


def protect_table(
    file: TableFile,
    preset: Preset,
    count: str,
    by: Sequence[str],
    trees: Mapping[str, Hierarchy],
    *,
    secret: bytes,
    magnitudes: Magnitudes | None = None,
    insiders: bool = True,
    progress: Progress = say_nothing,
) -> ProtectedFile:
    """The rows of a table in their order, each figure a number or a symbol. Raises `TableUnusable`, `CannotProtect`.

    `progress` is told how far it is.
    """
    file.check_named_once([*by, count, *([] if magnitudes is None else magnitudes.columns)])
    layout = file.layout(by, dict(trees))
    lattice = build_lattice([layout])
    _check_rounds(preset)
    counts = file.counts(count)
    check_no_hidden_total(layout, counts, trees)
    ties = Ties(secret, _plan(layout, preset, count))
    rule = CountRule.of(preset, signed=any(each < 0 for each in counts))
    small = [cell for cell, figure in enumerate(counts) if rule.withholds(figure)]
    protected = _protect(count, lattice, counts, rule, small, ties, insiders, progress)
    certified = [Certified(count, protected.witnesses.view, protected.printed, protected.witnesses)]
    shown = [[str(entry) for entry in protected.printed]]
    notes = [_note(count, protected)]
    if magnitudes is not None:
        lone = [cell for cell, each in enumerate(counts) if abs(each) == 1] if insiders else None
        telling = _about(magnitudes.value, progress)
        values, places = _protect_magnitudes(file, magnitudes, preset, lattice, protected, ties, lone, telling)
        certified.append(Certified(magnitudes.value, values.witnesses.view, values.printed, values.witnesses))
        shown.append([_write(entry, places) for entry in values.printed])
        notes.append(_note(magnitudes.value, values))
    columns = (*by, *(each.column for each in certified))
    rows = tuple((*row, *figures) for row, figures in zip(layout.rows, zip(*shown, strict=True), strict=True))
    if layout.empty and not preset.shows_zero:
        example = ", ".join(layout.empty[0])
        notes.append(
            f"Rows that are missing: {len(layout.empty)}, such as {example}. A reader takes each for 0, which "
            f"{preset.name} withholds: give every combination of categories a row."
        )
    if left := [each for each in file.columns if each not in columns]:
        notes.append(f"Left out, since nothing is known of what they would tell: {', '.join(left)}.")
    return ProtectedFile(columns, rows, write_certificate(certified), tuple(notes))


def _check_rounds(preset: Preset) -> None:
    """Check that a preset can be applied to counts alone. Raises `TableUnusable`."""
    if preset.cell_key is not None:
        text = f"preset {preset.name} changes counts by the record keys of children, and a table has counts alone"
        raise TableUnusable(f"{text}: choose another preset, or ask the federation, whose nodes have the keys")


def attack_table(
    file: TableFile,
    preset: Preset,
    count: str,
    by: Sequence[str],
    trees: Mapping[str, Hierarchy],
    certificate: bytes | None = None,
    value: str | None = None,
    progress: Progress = say_nothing,
) -> Iterator[tuple[str, Lattice, Attack]]:
    """Attack the columns of a published table, one after the other, having verified the certificate if there is one.

    Raises `TableUnusable` where it cannot be read or its figures contradict each other, and `CertificateInvalid`.
    """
    _check_rounds(preset)
    file.check_named_once([*by, count, *([] if value is None else [value])])
    lattice = build_lattice([file.layout(by, dict(trees))])
    published: dict[str, tuple[Printed, ...]] = {count: file.printed(count)}
    if value is not None:
        published[value] = file.printed(value, file.places(value))
    counted, certified = CountRule.of(preset, signed=True), []
    for column, entries in published.items():
        rule: TableRule = counted
        if column != count:
            rule = _read_magnitudes(lattice, counted, published[count], _dominance(preset), entries)
        certified.append(Certified(column, view_read(lattice, rule, entries), entries))
    if certificate is not None:
        verify_certificate(certificate, certified)
    for each in certified:
        try:
            attack = attack_view(each.view, progress=_about(each.column, progress))
            yield each.column, lattice, replace(attack, barred=find_barred(each, each.view.rule))
        except Contradiction as contradiction:
            raise TableUnusable(f"column {each.column}: {contradiction}") from None


def _about(column: str, progress: Progress) -> Progress:
    return lambda line: progress(f"{column}: {line}")


def _protect(
    column: str,
    lattice: Lattice,
    figures: Sequence[int],
    rule: TableRule,
    primaries: Sequence[int],
    ties: Ties,
    insiders: bool,
    progress: Progress,
) -> ProtectedCells:
    try:
        telling = _about(column, progress)
        return protect_cells(lattice, figures, rule, primaries, ties, insiders=insiders, progress=telling)
    except TableUnusable as broken:
        raise CannotProtect(f"column {column}: {broken}; {AS_COUNTED}") from None


def _protect_magnitudes(
    file: TableFile,
    magnitudes: Magnitudes,
    preset: Preset,
    lattice: Lattice,
    counts: ProtectedCells,
    ties: Ties,
    lone: Sequence[int] | None,
    progress: Progress,
) -> tuple[ProtectedCells, int]:
    """The sums, withheld where the count is, where somebody dominates, and where that takes further ones.

    A sum of 0 over few says of each that they have nothing, so it is withheld like any other, and with it every total
    that would tell it; where zeros are withheld, so is a sum of 0 over many. An authority knows its own sums, and a
    child that is alone in a cell the sum there.
    """
    dominance = _dominance(preset)
    places = file.places(*magnitudes.columns)
    totals, first, second = (file.units(name, places) for name in magnitudes.columns)
    for line, largest, next_largest in zip(file.lines, first, second, strict=True):
        if abs(largest) < abs(next_largest):
            raise TableUnusable(f"line {line}: the largest contribution is smaller than the second largest")
    counted = CountRule.of(preset, signed=True)
    signed = any(each < 0 for each in totals)
    together = list(map(Contributions, totals, first, second))
    primaries = {cell for cell, entry in enumerate(counts.printed) if entry == WITHHELD}
    primaries |= {cell for cell, each in enumerate(together) if each.dominate(dominance)}
    if not preset.shows_zero:
        primaries |= {cell for cell, total in enumerate(totals) if total == 0}
    primaries = _with_empty_totals(lattice, totals, primaries)
    shown = [WITHHELD if cell in primaries else total for cell, total in enumerate(totals)]
    rule = replace(_read_magnitudes(lattice, counted, counts.printed, dominance, shown), signed=signed)
    needs = needs_of(rule, totals, primaries)
    needs = {cell: max(need, together[cell].lacking(dominance)) for cell, need in needs.items()}
    try:
        found = protect_cells(
            lattice,
            totals,
            rule,
            sorted(primaries),
            ties,
            insiders=lone is not None,
            lone=lone,
            needs=needs,
            progress=progress,
            read_rule=lambda printed: replace(
                _read_magnitudes(lattice, counted, counts.printed, dominance, printed), signed=signed
            ),
        )
    except TableUnusable as broken:
        raise CannotProtect(f"column {magnitudes.value}: {broken}; {AS_COUNTED}") from None
    return found, places


def _with_empty_totals(lattice: Lattice, totals: Sequence[int], primaries: set[int]) -> set[int]:
    """These cells, and every total of 0 over one of them: where it is shown, so is all that adds up to it."""

    def admits(relation: Relation) -> bool:
        return relation.total >= lattice.shown or totals[relation.total] == 0

    return {cell for cell in lattice.climb(primaries, admits) if cell < lattice.shown}


def _read_magnitudes(
    lattice: Lattice, rule: CountRule, counts: Sequence[Printed], dominance: Dominance, sums: Sequence[Printed]
) -> MagnitudeRule:
    """The rule about sums as a reader has it, who sees counts and sums beside each other: any of them can be negative.

    The more is withheld, the less somebody is seen to have, so that withholding more never makes the rule stricter.
    """
    beside = zip(counts, sums, lattice.levels, strict=False)
    seen = [
        (total, rule.behind(abs(count), level)[1])
        for count, total, level in beside
        if isinstance(count, int) and isinstance(total, int)
    ]
    return MagnitudeRule(dominance.rest_per_cent, signed=True, of_one=seen_of_one(seen))


def _dominance(preset: Preset) -> Dominance:
    """A preset's rules about sums; those of the acro tools where it has none."""
    found = preset.dominance or load_preset("acro").dominance
    assert found is not None
    return found


def _plan(layout: Layout, preset: Preset, count: str) -> bytes:
    """What is asked for, whatever the figures: the same plan has the same ties."""
    document = [layout.columns, sorted(layout.rows), preset.name, preset.version, count]
    return hashlib.sha256(json.dumps(document).encode()).digest()


def _note(column: str, protected: ProtectedCells) -> str:
    return f"{column}: {protected.withheld} of {len(protected.printed)} cells are withheld."


def _write(entry: Printed, places: int) -> str:
    if entry in (WITHHELD, UNKNOWN) or not isinstance(entry, int):
        return str(entry)
    return (
        str(entry)
        if places == 0
        else f"{'-' * (entry < 0)}{abs(entry) // 10**places}.{abs(entry) % 10**places:0{places}}"
    )
