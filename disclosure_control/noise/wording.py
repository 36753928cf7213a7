"""What a release says of the noise in it, in sentences: who added it, what it promises, how large it is."""

from collections.abc import Collection, Iterator

from disclosure_control.noise.calibration import Calibration, spreads, spreads_restored
from disclosure_control.noise.terms import NoiseTerms
from disclosure_control.rows.rounding import is_count
from query_engine.planning.centred_sums import centre_sums
from query_engine.planning.plan import QueryPlan

__all__ = ["describe_noise"]


def describe_noise(
    plan: QueryPlan, calibration: Calibration, terms: NoiseTerms, answered: Collection[str]
) -> Iterator[str]:
    """What the noise in a total over these authorities is and promises."""
    yield "Each added its share of random noise to its figures before they left; only the noised sum could be opened."
    yield (
        "Differential privacy: one child's records of one academic year, as one node holds them, change the chance of "
        f"any outcome by a factor of exp({terms.epsilon}) at most (epsilon {terms.epsilon}"
        f"{_left_out(calibration)}), over all figures together;"
    )
    parts, what = calibration.families * calibration.sets, "rho" if calibration.delta else "epsilon"
    if parts > 1:
        yield f"each of {parts} equal parts of {what} is for {_sharing(calibration)};"
    yield (
        f"of {terms.parties} nodes, {terms.dropouts} might have been missing, and {terms.colluders} of the others may "
        f"tell what they added; {len(answered)} answered: epsilon achieved, {terms.epsilon}; rho achieved, "
        f"{float(calibration.rho):.4g}{' (of whole orders)' if calibration.delta else ''}."
    )
    yield from _spreads(plan, terms, len(answered))


def _left_out(calibration: Calibration) -> str:
    """What is said of Skellam noise, whose epsilon holds but for a small chance."""
    if not calibration.delta:
        return ""
    return f", but for a chance of {float(calibration.delta):.0e}: the noise is Skellam's, and keeps a rho"


def _sharing(calibration: Calibration) -> str:
    families = f"one of {calibration.families} kinds of sums that one child's record is counted in"
    sets = f"one of {calibration.sets} grouping sets"
    return " in ".join(
        words for words, number in ((families, calibration.families), (sets, calibration.sets)) if number > 1
    )


def _spreads(plan: QueryPlan, terms: NoiseTerms, answered: int) -> Iterator[str]:
    """What the noise was added to, and its standard deviation in counts and sums, cell by cell of each grouping set."""
    yield from _describe_middles(plan)
    told, of_sets = [], [spreads_restored(plan, each) for each in spreads(plan, terms, answered)]
    for each in plan.outputs:
        if not (is_count(each) or each.kind == "sum"):
            continue
        name, unit = each.counted or each.statistics[0], 10**-each.scale
        noise = [of_set[name] * unit for of_set in of_sets]
        told.append(f"{each.label} {' / '.join(dict.fromkeys(f'{size:.3g}' for size in noise))}")
    if told:
        yield f"Standard deviation of the noise: {', '.join(told)}."


def _describe_middles(plan: QueryPlan) -> Iterator[str]:
    """About which numbers sums were noised, column by column: under a FILTER a column can have another middle."""
    found = {at for each in centre_sums(plan).values() for at in each.middles.items() if at[1]}
    if found:
        told = (f"{name} {middle * 10 ** -plan.governed.columns[name].scale:g}" for name, middle in sorted(found))
        yield f"Noise was added to sums about the middle of what their columns can be: {', '.join(told)}."
