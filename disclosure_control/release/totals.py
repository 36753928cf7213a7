"""The release gate of sums over a roster: an opened sum goes in, a released table without authority rows comes out.

An exact sum is protected here, before anything else is done with it; a noised one is protected already, and is worked
out. Either says over how many authorities it is, and which are not in it and why.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from disclosure_control.cell_key.perturbing import CellKeys, check_shares, protect_counts
from disclosure_control.linked.children.parts import TooTangled
from disclosure_control.linked.companions import find_companions
from disclosure_control.linked.published import Published
from disclosure_control.linked.telling import find_telling
from disclosure_control.margins.noised import sums_told
from disclosure_control.models.figures import check_model_for_others, release_model
from disclosure_control.models.noised import release_noised_model
from disclosure_control.models.release import ReleasedModel, name_roster
from disclosure_control.models.row_count import count_rows, plan_rows
from disclosure_control.noise.calibration import Calibration, calibrate, half_widths
from disclosure_control.noise.figures import NoisyFigures, print_figure
from disclosure_control.noise.shares import read_vector
from disclosure_control.noise.terms import NoiseRefused, NoiseTerms
from disclosure_control.noise.wording import describe_noise
from disclosure_control.presets.preset import TOTAL_LEVEL, Preset
from disclosure_control.release.gate import ReleaseRefused, check_roster
from disclosure_control.release.released import ReleasedTable, seal_release
from disclosure_control.rows.others import Others
from disclosure_control.rows.protected_table import Row, TableMalformed, name_categories, read_protected
from disclosure_control.rows.protection import ALONE, protect
from disclosure_control.rows.secondary import Neighbours
from disclosure_control.suppression.deadline import TimeUp
from disclosure_control.suppression.reader import Contradiction
from query_engine.planning.capped_counts import MOST_OF_ONE
from query_engine.planning.centred_sums import centre_sums, restore
from query_engine.planning.plan import Path, QueryPlan
from query_engine.planning.record_keys import keys_of
from query_engine.planning.region import RegionTangled
from query_engine.tables import RawTable

__all__ = ["check_changed_total", "check_total_preset", "release_changed_total", "release_exact_total"]
__all__ += ["release_noisy_model", "release_noisy_total"]

OPENED = "Their figures were added up under masks, only the sum was opened, and it was protected before it was kept."

BEYOND_ONE = (
    "Behind every figure of anybody there are as many children as the preset asks for where those of any one authority "
    f"are taken away and of each other {MOST_OF_ONE} are counted at most, as far as all of them counted truly. An "
    "authority, which knows its own, is not told by this release alone that of a count in it the others are too few; "
    "nor by subtracting a count of it, or of an earlier exact total of its term over the same authorities, from "
    "another that counts all of those. Not claimed: the same of all other groups that nobody asked for, or of "
    "authorities that put their rows together."
)


def check_total_preset(preset: Preset) -> None:
    """Check that a preset may protect an exact total, which is for hub and nodes to ask before anything is sent.

    Totals of England and of its regions are runs of one template over the same children: if both were printed exactly,
    a region that is withheld would be what is left. So the preset must round, or change counts by cell keys, each for
    itself. Raises `ReleaseRefused`.
    """
    if preset.cell_key is None and preset.at(TOTAL_LEVEL).rounding_base == 1:
        raise ReleaseRefused(f"preset {preset.name} prints exact counts, and totals that add up must be rounded")


def release_exact_total(
    plan: QueryPlan,
    raw: RawTable,
    others: Others,
    answered: Collection[str],
    absent: Mapping[str, str],
    preset: Preset,
    beside: Neighbours = ALONE,
) -> ReleasedTable | ReleasedModel:
    """The released table of an exact sum over these authorities, or the model that its plan has.

    `others` are those that are left where one of them takes its own rows away. `beside` has the totals that were
    released before it.

    Raises `ReleaseRefused`; of a model, `ModelWithheld` and `ModelUndetermined` too.
    """
    check_total_preset(preset)
    if preset.cell_key is not None:
        raise ReleaseRefused(f"preset {preset.name} changes counts by cell keys, and the sum carries none")
    preset, beside = preset.at(TOTAL_LEVEL), replace(beside, roster=answered)
    _check_total(plan, "exact_sum", answered, absent)
    if raw.plan.plan_id != plan.plan_id:
        raise ReleaseRefused(f"the sum answers another plan than {plan.plan_id}")
    method = f"{_over(answered, absent)} {OPENED} {BEYOND_ONE}"
    if plan.model is not None:
        figures = {each.name: raw.statistic(each.name) for each in plan.statistics}
        check_model_for_others(plan, others, preset)
        model = release_model(plan, figures, preset)
        _check_beside(plan, model, preset, beside)
        return name_roster(model, plan.plan_id, tuple(sorted(answered)), dict(sorted(absent.items())), method)
    rows = protect(raw, preset, beside, others).rows
    return seal_release(plan, preset, rows, tuple(answered), absent, f"{method} {preset.method}")


def _check_beside(plan: QueryPlan, model: ReleasedModel, preset: Preset, beside: Neighbours) -> None:
    """Check that a model tells nothing beside what was released before it. Raises `ReleaseRefused`."""
    newest = Published("", plan_rows(plan), preset, (count_rows(model),), beside.roster)
    try:
        told = [
            each
            for each in beside.groups(newest.plan)
            if each and (find_companions(each, newest, beside.deadline) or find_telling(each, newest, beside.deadline))
        ]
    except (TooTangled, Contradiction, RegionTangled, TimeUp):
        raise ReleaseRefused("the model cannot be looked at beside earlier totals") from None
    if told:
        raise ReleaseRefused("beside earlier totals the model would tell of too few children")


def release_changed_total(
    plan: QueryPlan, raw: RawTable, answered: Collection[str], absent: Mapping[str, str], keys: CellKeys
) -> ReleasedTable:
    """The released table of an exact sum of counts and record keys, each count changed for its cell key.

    `plan` carries record keys (see `with_record_keys`). Raises `ReleaseRefused`.
    """
    _check_total(plan, "exact_sum", answered, absent)
    if raw.plan.plan_id != plan.plan_id:
        raise ReleaseRefused(f"the sum answers another plan than {plan.plan_id}")
    wanted = {keys_of(name, keys.table.keys) for each in plan.outputs for name in each.statistics}
    if wanted - {each.name for each in plan.statistics}:
        raise ReleaseRefused(f"the sum carries no record keys for table {keys.table.name}, modulo {keys.table.keys}")
    keys = replace(keys, preset=keys.preset.at(TOTAL_LEVEL))
    rows = protect_counts(raw, keys).rows
    method = _changed_method(answered, absent, keys.preset)
    return seal_release(plan, keys.preset, rows, tuple(answered), absent, method)


def check_changed_total(released: ReleasedTable, plan: QueryPlan, preset: Preset, *, in_our_words: bool = True) -> None:
    """Check what a reader can of a total whose counts were changed. Raises `TableMalformed`.

    The rows are the plan's cells, every figure is one that the preset could print, a share that stands beside both its
    counts is theirs, and the method says what the preset says, `in_our_words` or in those of another version. That the
    changes are those of the table is for nobody to check who has not seen the exact counts.
    """
    preset = preset.at(TOTAL_LEVEL)
    wire = {
        "plan_id": released.plan_id,
        "preset": released.preset,
        "preset_version": released.preset_version,
        "columns": list(released.columns),
        "rows": [[str(entry) if isinstance(entry, Decimal) else entry for entry in row] for row in released.rows],
    }
    check_shares(read_protected(wire, plan, preset), plan, preset)
    if in_our_words and released.method != _changed_method(released.answered, released.absent, preset):
        raise TableMalformed("the method is not what the preset does to a total over these authorities")


def release_noisy_total(
    plan: QueryPlan,
    values: Iterable[int],
    terms: NoiseTerms,
    answered: Collection[str],
    absent: Mapping[str, str],
    preset: Preset,
) -> ReleasedTable:
    """The released table of a noised sum over these authorities: `values` are its figures modulo 2**64.

    Of the preset it takes the decimal places alone. Raises `ReleaseRefused`, also where fewer answered than the terms
    allow for: the noise would be less than was promised.
    """
    if plan.model is not None:
        raise ReleaseRefused("the plan is of a model, and this is the gate of tables")
    calibration, opened = _open_noisy(plan, values, terms, answered, absent)
    sums, noise = restore(centre_sums(plan), opened), half_widths(plan, terms, len(answered))
    rows = tuple(_noisy_rows(plan, sums, opened, noise, preset))
    method = " ".join(_noisy_method(plan, calibration, terms, answered, absent, preset))
    told = {name: tuple(sums[name]) for name in sorted(sums_told(plan))}
    return seal_release(plan, preset, rows, tuple(answered), absent, method, terms, told)


def release_noisy_model(
    plan: QueryPlan,
    values: Iterable[int],
    terms: NoiseTerms,
    answered: Collection[str],
    absent: Mapping[str, str],
    preset: Preset,
) -> ReleasedModel:
    """The model of a noised sum over these authorities: otherwise as `release_noisy_total`. Raises `ReleaseRefused`."""
    calibration, opened = _open_noisy(plan, values, terms, answered, absent)
    model = release_noised_model(plan, opened, terms, len(answered), preset)
    method = " ".join((_over(answered, absent), *describe_noise(plan, calibration, terms, answered)))
    return name_roster(model, plan.plan_id, tuple(sorted(answered)), dict(sorted(absent.items())), method)


def _open_noisy(
    plan: QueryPlan, values: Iterable[int], terms: NoiseTerms, answered: Collection[str], absent: Mapping[str, str]
) -> tuple[Calibration, Mapping[str, Sequence[int]]]:
    """The noise of a plan and its noised figures as they are opened, once who answered is known to be enough.

    Raises `ReleaseRefused`.
    """
    _check_total(plan, "noisy_sum", answered, absent)
    try:
        terms.check_answered(len(answered))
        return calibrate(plan, terms.epsilon, terms.mechanism), read_vector(plan, values)
    except (NoiseRefused, ValueError) as refused:
        raise ReleaseRefused(str(refused)) from None


def _check_total(plan: QueryPlan, path: Path, answered: Collection[str], absent: Mapping[str, str]) -> None:
    """Check that there is a sum of the path, and over whom. Raises `ReleaseRefused`."""
    if plan.path != path:
        raise ReleaseRefused(f"the plan is for {plan.path}, and this is the gate of {path}")
    if not answered or len(set(answered)) < len(answered):
        raise ReleaseRefused("a total must name the authorities in it, each once")
    check_roster(answered, absent, plan)


def _changed_method(answered: Collection[str], absent: Mapping[str, str], preset: Preset) -> str:
    return f"{_over(answered, absent)} {OPENED} {preset.method}"


def _over(answered: Collection[str], absent: Mapping[str, str]) -> str:
    return f"A total over {len(answered)} of {len(answered) + len(absent)} authorities."


def _noisy_rows(
    plan: QueryPlan,
    sums: Mapping[str, Sequence[int]],
    opened: Mapping[str, Sequence[int]],
    noise: Sequence[Mapping[str, int]],
    preset: Preset,
) -> Iterator[Row]:
    numbers = (number for number, each in enumerate(plan.sets) for _ in range(plan.cells_of(each)))
    for place, (number, cell) in enumerate(zip(numbers, plan.iter_cells(), strict=True)):
        about_0, about_middles = ({name: column[place] for name, column in of.items()} for of in (sums, opened))
        figures = NoisyFigures(about_0, about_middles, noise[number])
        categories = name_categories(plan, cell)
        yield tuple(
            print_figure(each, figures, plan, preset) if each.dimension is None else categories[each.dimension]
            for each in plan.outputs
        )


def _noisy_method(
    plan: QueryPlan,
    calibration: Calibration,
    terms: NoiseTerms,
    answered: Collection[str],
    absent: Mapping[str, str],
    preset: Preset,
) -> Iterator[str]:
    """What was done to the figures and what it promises, in sentences."""
    yield _over(answered, absent)
    yield from describe_noise(plan, calibration, terms, answered)
    yield "Counts and sums are printed as they are, and can be negative where the true ones are small. Figures that are"
    yield "divided by a number which noise could drown are of low reliability (u); shares and averages that noise moved"
    yield f"beyond what they can be are at the nearer end. Decimal places are those of preset {preset.name}, version"
    yield f"{preset.version}, of which nothing else applies."
