"""What pupils attained at the end of each stage, from an ability of their own and, at Key Stage 4, what they met with.

Ability is drawn once, lower with special need, and shows at every stage, so that prior attainment goes with later. The
shares that reach each standard are those of calibration.toml, of children in care and of other pupils apart.

At Key Stage 4 the capped points are a straight line in the measures of `Circumstances`, with the coefficients of
`PLANTED_EFFECTS`, plus noise: least squares on the points finds them again. Attainment 8 is the same points on its own
scale with a floor at 0, and one in five children in care are on the floor, so least squares on it finds them smaller.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from math import floor, sqrt
from random import Random
from statistics import NormalDist
from types import MappingProxyType

from node.synth.calibration import entry, number

PLANTED_EFFECTS: Mapping[str, float] = MappingProxyType(
    {name: value for name, value in entry("attainment.effects").items() if name != "source"}
)
"""Capped points at Key Stage 4 for one more of each measure of `Circumstances`."""

SUBJECTS = ("reading", "writing", "maths", "grammar")

_LEAST_SCORE, _MOST_SCORE, _EXPECTED_SCORE = 80, 120, 100
_MOST_ATTAINMENT_8, _MOST_MARK, _PHONICS_MARK = 90.0, 40, 32
_KS1_SCALE = ((1.1, "GDS"), (0.0, "EXS"), (-0.9, "WTS"), (-1.5, "PK4"), (-2.0, "PK3"), (-2.6, "PK1"))


@dataclass(frozen=True, slots=True)
class Ability:
    """A pupil's standing in standard deviations, shared by all stages; `population` as in pupils.py."""

    population: str
    shared: float
    subjects: Mapping[str, float]

    def over(self, standard: str, subject: str = "") -> float:
        """How far above (or below 0) a standard of calibration.toml the pupil is."""
        own = self.subjects.get(subject or standard, 0.0)
        return self.shared + own + _shift(self.population, standard)


@dataclass(frozen=True, slots=True)
class KeyStage2:
    """Scaled scores by subject, and writing as the teacher assessed it; 100 is the expected standard."""

    reading: int
    writing: int
    maths: int
    grammar: int

    @property
    def average(self) -> float:
        """The prior attainment that Key Stage 4 is set against: the mean of reading and maths."""
        return (self.reading + self.maths) / 2

    def all_reach(self, score: int) -> bool:
        """Whether reading, writing and maths all reach a score."""
        return min(self.reading, self.writing, self.maths) >= score


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the planted effects are effects of; each as its unit says in calibration.toml."""

    placements_since_11: int = 0
    school_change_in_ks4: int = 0
    unauthorised_5_percent: float = 0.0
    suspension_days: float = 0.0
    residential_or_other: int = 0
    special_school: int = 0
    alternative_provision: int = 0
    sdq_score: int = 0
    months_in_care: float = 0.0


@dataclass(frozen=True, slots=True)
class KeyStage4:
    """Results at 16: capped points, Attainment 8 and what follows from it."""

    points: float
    attainment8: float
    progress8: float
    grade_4: bool
    grade_5: bool
    ebacc_entered: bool
    ebacc_average: float


def draw_ability(chance: Random, population: str, sen: str) -> Ability:
    """The ability of a pupil of a population (`in_care` or `pupils`) with SEN provision N, K or E."""
    lower = {"K": number("attainment.sen_support"), "E": number("attainment.ehc_plan")}.get(sen, 0.0)
    part = number("attainment.shared")
    own = {subject: chance.gauss(0, sqrt(1 - part)) for subject in (*SUBJECTS, "development", "phonics")}
    return Ability(population, lower + chance.gauss(0, sqrt(part)), own)


def good_development(ability: Ability) -> bool:
    """Whether a good level of development is reached at the end of Reception."""
    return ability.over("development") >= 0


def phonics_mark(ability: Ability) -> int:
    """The mark out of 40 in the phonics check of Year 1; 32 meets the standard."""
    return max(0, min(_MOST_MARK, _PHONICS_MARK + floor(9 * ability.over("phonics"))))


def key_stage_1(ability: Ability, subject: str) -> str:
    """The teacher's assessment at the end of Year 2: GDS, EXS, WTS, a pre-key stage standard, or below."""
    over = ability.over("ks1", subject)
    return next((code for least, code in _KS1_SCALE if over >= least), "BLW")


def key_stage_2(ability: Ability) -> KeyStage2:
    """Scaled scores at the end of Year 6."""
    sd = number("attainment.scaled_score_sd")
    scores = {name: _EXPECTED_SCORE + floor(sd * ability.over(name)) for name in SUBJECTS}
    return KeyStage2(**{name: max(_LEAST_SCORE, min(_MOST_SCORE, score)) for name, score in scores.items()})


def key_stage_4(chance: Random, population: str, prior: KeyStage2, met: Circumstances) -> KeyStage4:
    """Results at the end of Year 11."""
    points = _expected_points(population, prior.average)
    points += sum(PLANTED_EFFECTS[name] * value for name, value in asdict(met).items())
    points = max(0.0, points + chance.gauss(0, number("attainment.points.noise")))
    standing = _as_attainment_8(points)
    english_and_maths = standing + chance.gauss(0, number("attainment.points.grade_noise"))
    choice = standing + chance.gauss(0, number("attainment.points.ebacc_noise"))
    attainment8 = round(2 * max(0.0, min(_MOST_ATTAINMENT_8, standing))) / 2
    expected = _as_attainment_8(_expected_points("pupils", prior.average))
    average = attainment8 * number("attainment.points.ebacc_average") * chance.uniform(0.8, 1.2)
    return KeyStage4(
        points,
        attainment8,
        (attainment8 - expected) / 10,
        english_and_maths >= number("attainment.points.grade_4"),
        english_and_maths >= number("attainment.points.grade_5"),
        choice >= number("attainment.points.ebacc_entry"),
        min(9.0, average),
    )


def _expected_points(population: str, prior: float) -> float:
    above = PLANTED_EFFECTS["ks2_scaled_score"] * (prior - _EXPECTED_SCORE)
    return number(f"attainment.points.base_{population}") + above


def _as_attainment_8(points: float) -> float:
    """Capped points on the scale of Attainment 8, below 0 too."""
    return (points - number("attainment.points.at_zero")) / number("attainment.points.each")


@cache
def _shift(population: str, standard: str) -> float:
    """What must be added to ability so that the published share of a population reaches a standard.

    Ability is normal with the same spread in each of three groups (no SEN, support, plan) of known size: the sum of
    their shares above 0 rises with the shift, so halving an interval finds it.
    """
    wanted = number(f"attainment.expected_{population}.{standard}")
    plan, support = (number(f"sen.{population}.{name}") for name in ("ehc_plan", "sen_support"))
    with_support, with_plan = (support, number("attainment.sen_support")), (plan, number("attainment.ehc_plan"))
    groups = ((1 - plan - support, 0.0), with_support, with_plan)
    low, high = -6.0, 6.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        reached = sum(share * NormalDist().cdf(middle + lower) for share, lower in groups)
        low, high = (middle, high) if reached < wanted else (low, middle)
    return low
