"""Writing a synthetic England: real-format return files for as many authorities as wanted.

EVERYTHING WRITTEN HERE IS SYNTHETIC: no child, school or worker in it exists. What holds between the files:

- a child placed out of area has a placement postcode in the host authority, and is on a roll of a school there and
  nowhere else, under the UPN that the home authority's return gives; a child placed at home is on a roll at home;
- a UPN belongs to one person in all of England, while CHILD ids and school NativeIds mean nothing elsewhere;
- the same arguments give the same bytes on every machine.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from node.synth.calibration import number, seeded
from node.synth.children import Child, draw_children
from node.synth.collection_year import CollectionYear, collection_year
from node.synth.dirt import spoil_return
from node.synth.geography import Borders, authority_sizes, choose_authorities, draw_borders
from node.synth.leavers import draw_leavers
from node.synth.postcodes import load_places
from node.synth.pupils import Learner, draw_other_learner, draw_pupil, learner_in_care
from node.synth.school_census import write_census
from node.synth.schools import PHASES, School, UpnIssuer, found_schools
from node.synth.ssda903 import build_return, write_return

MANIFEST = "england.json"
NOTICE = "Synthetic data: no person, school or care provider described here exists. Not for statistics."

_MOST_SCALE = 20.0
_LEAST_OTHER_PUPILS = 20
_SHARE_ON_ROLL = 0.9  # children on roll in the year for each child looked after at its end


class SynthRefused(ValueError):
    """England cannot be written as asked; the text says why and what to do."""


@dataclass(frozen=True)
class AuthoritySummary:
    """What was written for one authority: all are counts, `dirt` rows spoiled by kind."""

    children: int
    at_31_march: int
    placed_outside: int
    hosted: int
    episodes: int
    leavers: int
    schools: int
    pupils: int
    dirt: Mapping[str, int]


@dataclass(frozen=True)
class EnglandSummary:
    """What was written, and from what."""

    directory: Path
    academic_year: int
    seed: int
    scale: float
    authorities: Mapping[str, AuthoritySummary]

    def to_json(self) -> dict[str, Any]:
        """The manifest england.json: everything but the directory, which may differ between equal Englands."""
        return {
            "synthetic": True,
            "notice": NOTICE,
            "academic_year": self.academic_year,
            "seed": self.seed,
            "scale": self.scale,
            "authorities": {code: asdict(summary) for code, summary in self.authorities.items()},
        }


def write_england(
    directory: Path,
    *,
    authorities: int | Sequence[str],
    seed: int,
    academic_year: int = 202425,
    scale: float = 1.0,
    dirty: bool = False,
    other_pupils_per_child: float = 3.0,
    progress: Callable[[str], None] | None = None,
) -> EnglandSummary:
    """Write SYNTHETIC returns and census extracts of `authorities` into `directory`, and england.json last.

    `authorities` is a number (see `choose_authorities`) or codes. `scale` multiplies the number of children of each
    authority. `dirty` puts in the mistakes of dirt.py. `progress` is told of each authority written.

    Raises SynthRefused when the arguments make no England or `directory` already holds one, in part or whole.
    """
    plan = _plan(directory, authorities, seed, academic_year, scale, other_pupils_per_child)
    tell = progress or (lambda _: None)
    rolls: dict[str, list[Learner]] = {code: [] for code in plan.borders}
    returned: dict[str, _Returned] = {}
    for code in plan.borders:
        children = list(draw_children(code, plan.sizes[code], plan.year, plan.borders[code], plan.upns, seed))
        for child in children:
            if child.on_roll:
                rolls[child.care.host].append(learner_in_care(child, plan.year))
        returned[code] = _write_return(directory, plan, code, children, dirty)
        tell(f"{code}: {len(children)} children in the return")
    hosted = Counter(host for each in returned.values() for host in each.hosts)
    summaries = {}
    for code, roll in rolls.items():
        pupils = _write_census(directory, plan, code, roll)
        summaries[code] = returned[code].summary(hosted[code], plan.schools[code], pupils)
        tell(f"{code}: {pupils} pupils in the school census")
    summary = EnglandSummary(directory, academic_year, seed, scale, summaries)
    (directory / MANIFEST).write_text(json.dumps(summary.to_json(), indent=2) + "\n", encoding="utf-8")
    return summary


@dataclass(frozen=True)
class _Plan:
    """What is settled before the first child is drawn."""

    year: CollectionYear
    seed: int
    sizes: Mapping[str, int]
    borders: Mapping[str, Borders]
    schools: Mapping[str, Mapping[str, Sequence[School]]]
    upns: UpnIssuer
    other_pupils_per_child: float


def _plan(
    directory: Path,
    authorities: int | Sequence[str],
    seed: int,
    academic_year: int,
    scale: float,
    other_pupils_per_child: float,
) -> _Plan:
    if not 0 < scale <= _MOST_SCALE or other_pupils_per_child < 0:
        raise SynthRefused(f"scale is above 0 and at most {_MOST_SCALE}; other pupils are not below 0")
    places = load_places()
    try:
        year, codes = collection_year(academic_year), choose_authorities(authorities, places)
    except ValueError as refused:
        raise SynthRefused(str(refused)) from refused
    if any((directory / name).exists() for name in (MANIFEST, *codes)):
        raise SynthRefused("the directory already holds a synthetic England; name an empty one or remove it")
    sizes = authority_sizes(places, scale)
    share = _SHARE_ON_ROLL * (1 + other_pupils_per_child)
    schools = {code: found_schools(code, sizes[code] * share) for code in codes}
    borders = draw_borders(codes, places, seed)
    return _Plan(year, seed, sizes, borders, schools, UpnIssuer(schools), other_pupils_per_child)


@dataclass(frozen=True)
class _Returned:
    """What a return held, until the census of the same authority is written too."""

    at_31_march: int
    episodes: int
    leavers: int
    home: str
    hosts: Sequence[str]
    """The authority of each child's last placement."""
    dirt: Mapping[str, int]

    def summary(self, hosted: int, schools: Mapping[str, Sequence[School]], pupils: int) -> AuthoritySummary:
        stayed = self.hosts.count(self.home)
        return AuthoritySummary(
            children=len(self.hosts),
            at_31_march=self.at_31_march,
            placed_outside=len(self.hosts) - stayed,
            hosted=hosted - stayed,
            episodes=self.episodes,
            leavers=self.leavers,
            schools=sum(len(schools[phase]) for phase in PHASES),
            pupils=pupils,
            dirt=self.dirt,
        )


def _write_return(directory: Path, plan: _Plan, code: str, children: Sequence[Child], dirty: bool) -> _Returned:
    leavers = list(draw_leavers(code, plan.sizes[code], plan.year, plan.upns, plan.seed))
    tables = build_return(code, children, leavers, plan.year, plan.seed)
    dirt = spoil_return(tables, code, plan.seed) if dirty else {}
    write_return(directory / code / "ssda903", tables)
    periods = [child.care.period for child in children]
    in_care = sum(period.end is None and not period.short_breaks for period in periods)
    hosts = [child.care.host for child in children]
    return _Returned(in_care, len(tables["episodes"]), len(leavers), code, hosts, dirt)


def _write_census(directory: Path, plan: _Plan, code: str, roll: Sequence[Learner]) -> int:
    """Put the children in care educated in an authority on its rolls, with others beside them; count them all."""
    chance = seeded(plan.seed, code, "school")
    others = max(_LEAST_OTHER_PUPILS, round(len(roll) * plan.other_pupils_per_child))
    learners = (*roll, *(draw_other_learner(chance, code, plan.year, plan.upns) for _ in range(others)))
    schools = plan.schools[code]
    plans = max(0.5, chance.gauss(1, number("sen.in_care.ehc_spread") / number("sen.in_care.ehc_plan")))
    pupils = [draw_pupil(chance, learner, schools, plans, plan.year) for learner in learners]
    listed = [school for phase in PHASES for school in schools[phase]]
    write_census(directory / code / "school-census", listed, pupils, plan.year)
    return len(pupils)
