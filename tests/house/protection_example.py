"""One question under every protection, at one authority, a region and the nation: made-up children, real rules.

153 authorities are drawn, each with its children by special educational provision and with record keys for them. What
is printed of them comes from the same functions that protect the real thing; the noise is drawn by the real sampler
from bits that come again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from random import Random

from disclosure_control.cell_key.perturbing import CellKeys
from disclosure_control.cell_key.tables import find_table
from disclosure_control.noise.calibration import half_width
from disclosure_control.noise.polya import draw_shares
from disclosure_control.noise.terms import NoiseTerms
from disclosure_control.presets.preset import Level, Preset
from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.rounding import round_to_base

NODES = {"authority": 1, "region": 11, "nation": 153}
SHARES = {"none": 0.44, "SEN support": 0.27, "EHC plan": 0.27, "not known": 0.02}
"""How the children of a middling authority are spread: about as they are in England."""

TERMS: dict[str, NoiseTerms] = {"region": NoiseTerms("1", 11, 1, 1), "nation": NoiseTerms("1", 153, 20, 7)}

Method = str
FIRST, SUPPRESSED, KEYED, NOISED = "suppressed first", "suppressed", "cell key", "noise"


@dataclass(frozen=True)
class Shown:
    """One count under one protection: the true one, what is printed, and between what a reader knows it to lie."""

    category: str
    true: int
    method: Method
    printed: str
    low: int | None
    high: int | None

    @property
    def off(self) -> int | None:
        """By how much the printed count is off, or None where none is printed."""
        return int(self.printed.replace(",", "")) - self.true if self.printed not in ("c", "-") else None


class _KnownBits:
    """Bits that come again."""

    def __init__(self, seed: int) -> None:
        self._source = Random(seed)

    def draw(self, number: int) -> int:
        return self._source.getrandbits(number) if number else 0


@cache
def draw_children() -> tuple[dict[str, tuple[int, int]], ...]:
    """For each authority its children by provision, with the sum of their record keys."""
    source = Random(2026)
    found = []
    for _ in range(NODES["nation"]):
        size = 40 + round(source.lognormvariate(5.9, 0.6))
        drawn = source.choices(list(SHARES), weights=list(SHARES.values()), k=size)
        keys = {each: [source.randrange(256) for _ in range(drawn.count(each))] for each in SHARES}
        found.append({each: (len(held), sum(held)) for each, held in keys.items()})
    return tuple(found)


@cache
def show_level(level: Level) -> tuple[Shown, ...]:
    """Every count of a level under every protection."""
    authorities, rows = draw_children()[: NODES[level]], list(_noise(level))
    return tuple(
        shown
        for place, category in enumerate(SHARES)
        for shown in _show(category, [each[category] for each in authorities], level, rows[place] if rows else None)
    )


def _show(category: str, parts: Sequence[tuple[int, int]], level: Level, noise: int | None) -> Iterator[Shown]:
    true = sum(count for count, _ in parts)
    rows, totals = load_preset("opensafely"), load_preset("ons_10_5").at(level)
    if level == "authority":
        yield _rounded(category, true, SUPPRESSED, rows)
    else:
        shown = [_print(count, rows) for count, _ in parts]
        total = sum(int(each) for each in shown if each != "c")
        yield Shown(
            category, true, FIRST, f"{total:,}", total - 2 * len(parts), total + 7 * shown.count("c") + 2 * len(parts)
        )
        yield _rounded(category, true, SUPPRESSED, totals)
    keyed = load_preset("ons_cell_key").at(level)
    assert keyed.cell_key is not None
    keys = CellKeys(find_table(keyed.cell_key), keyed, b"s" * 32)
    changed = keys.table.perturb(true, sum(key for _, key in parts) % keys.table.keys)
    low, high = keyed.withheld_range
    margin = keys.margin(max(changed, 1))
    if low <= changed <= high:
        yield Shown(category, true, KEYED, "c", low, high + keyed.cell_key.most)
    else:
        yield Shown(category, true, KEYED, f"{changed:,}", max(0, changed - margin), changed + margin)
    if noise is None:
        yield Shown(category, true, NOISED, "-", None, None)
    else:
        width = half_width(Fraction(1), TERMS[level], NODES[level])
        yield Shown(category, true, NOISED, f"{true + noise:,}", true + noise - width, true + noise + width)


def _print(count: int, preset: Preset) -> str:
    low, high = preset.withheld_range
    return "c" if low <= count <= high else str(round_to_base(count, preset.rounding_base))


def _rounded(category: str, true: int, method: Method, preset: Preset) -> Shown:
    printed = _print(true, preset)
    low, high = preset.withheld_range if printed == "c" else preset.printed_range(int(printed))
    return Shown(category, true, method, printed if printed == "c" else f"{int(printed):,}", low, high)


def _noise(level: Level) -> Iterator[int]:
    """The noise in a sum over the nodes of a level, category by category; none for one authority, which has no sum."""
    if level in TERMS:
        terms, bits = TERMS[level], _KnownBits(7)
        shares = [draw_shares(len(SHARES), Fraction(1), terms.shares, bits) for _ in range(NODES[level])]
        yield from (sum(each) for each in zip(*shares, strict=True))
