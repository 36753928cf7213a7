"""Writing a synthetic England: real-format return files for as many authorities as wanted.

EVERYTHING WRITTEN HERE IS SYNTHETIC: no child, school or worker in it exists. What holds between the files:

- a child placed out of area has a placement postcode in the host authority, and is on a roll of a school there and
  nowhere else, under the UPN that the home authority's return gives; a child placed at home is on a roll at home;
- a UPN belongs to one person in all of England, while CHILD ids and school NativeIds mean nothing elsewhere;
- where care passes to another authority (REC E3), that authority's return has the child from that day on (RNE S), under
  the same UPN and another CHILD id;
- of several years, each return tells the same histories as far as they had gone by its 31 March;
- the same arguments give the same bytes on every machine; GIAP, virtual-school and social-care files and XML change no
  byte of the returns and extracts, and further years only add rows to the end of the last year's: children whose care
  another authority passed on in an earlier year. What an autumn census tells of the summer before is theirs alone.

Folders: `<code>/ssda903`, `<code>/school-census`, of earlier years `<code>/<academic year>/` with these two in it,
`<code>/ssda903.xml`, `<code>/giap`, `<code>/virtual-school`, `<code>/social-care`, and for all of England `register`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from node.synth.inspections import write_inspections
from node.synth.plan import MANIFEST, REGISTER, Asked, Plan, SynthRefused, make_plan
from node.synth.returns import Cohort, write_returns
from node.synth.rolls import Rolls
from node.synth.school_register import write_register
from node.synth.schools import PHASES

__all__ = ["MANIFEST", "NOTICE", "AuthoritySummary", "EnglandSummary", "SynthRefused", "write_england"]

NOTICE = "Synthetic data: no person, school or care provider described here exists. Not for statistics."


@dataclass(frozen=True)
class AuthoritySummary:
    """What was written for one authority's last year: all are counts.

    `taken_over` children came from another authority's care; `dirt` counts the rows of the return spoiled by kind,
    `returns_errors` the children whom the census has wrong by kind.
    """

    children: int
    at_31_march: int
    placed_outside: int
    hosted: int
    taken_over: int
    episodes: int
    leavers: int
    schools: int
    pupils: int
    dirt: Mapping[str, int]
    returns_errors: Mapping[str, int]


@dataclass(frozen=True)
class EnglandSummary:
    """What was written, and from what."""

    directory: Path
    academic_year: int
    years: int
    seed: int
    scale: float
    authorities: Mapping[str, AuthoritySummary]

    def to_json(self) -> dict[str, Any]:
        """The manifest england.json: everything but the directory, which may differ between equal Englands."""
        return {
            "synthetic": True,
            "notice": NOTICE,
            "academic_year": self.academic_year,
            "years": self.years,
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
    years: int = 1,
    scale: float = 1.0,
    dirty: bool = False,
    other_pupils_per_child: float = 3.0,
    other_pupils_share: float | None = None,
    full_roll: str | None = None,
    full: bool = False,
    xml: bool = False,
    returns_errors: bool = False,
    progress: Callable[[str], None] | None = None,
) -> EnglandSummary:
    """Write SYNTHETIC returns and census extracts of `authorities` into `directory`, and england.json last.

    `authorities` is a number (see `choose_authorities`) or codes; `years` are consecutive and end with `academic_year`.
    `scale` multiplies the number of children of each authority. Beside them are `other_pupils_per_child`, or instead
    the `other_pupils_share` of all other pupils; every one of them in the authority `full_roll`. `full` adds GIAP,
    virtual-school and social-care files, `xml` each return as XML. `dirty` puts in the mistakes of dirt.py,
    `returns_errors` those of returns_errors.py. `progress` is told of each authority written.

    Raises SynthRefused when the arguments make no England or `directory` already holds one, in part or whole.
    """
    asked = Asked(
        authorities=authorities,
        seed=seed,
        academic_year=academic_year,
        years=years,
        scale=scale,
        other_pupils_per_child=other_pupils_per_child,
        other_pupils_share=other_pupils_share,
        full_roll=full_roll,
        dirty=dirty,
        full=full,
        xml=xml,
        returns_errors=returns_errors,
    )
    return _write(make_plan(directory, asked), progress or (lambda _: None))


def _write(plan: Plan, tell: Callable[[str], None]) -> EnglandSummary:
    cohort = write_returns(plan, tell)
    _write_registers(plan)
    rolls = Rolls(plan, cohort)
    for code in plan.borders:
        rolls.write_authority(code)
        tell(f"{code}: {rolls.pupils[code]} pupils in the school census")
    rolls.finish()
    asked, summaries = plan.asked, {code: _summary(plan, code, cohort, rolls) for code in plan.borders}
    summary = EnglandSummary(plan.directory, asked.academic_year, asked.years, asked.seed, asked.scale, summaries)
    (plan.directory / MANIFEST).write_text(json.dumps(summary.to_json(), indent=2) + "\n", encoding="utf-8")
    return summary


def _write_registers(plan: Plan) -> None:
    folder = plan.directory / REGISTER
    folder.mkdir(parents=True)
    write_register(folder, plan.schools, plan.places, plan.seed)
    write_inspections(folder, plan.schools, plan.places, plan.seed)


def _summary(plan: Plan, code: str, cohort: Cohort, rolls: Rolls) -> AuthoritySummary:
    counts = cohort.returned[code]
    return AuthoritySummary(
        children=counts.children,
        at_31_march=counts.at_31_march,
        placed_outside=counts.children - counts.stayed,
        hosted=cohort.hosted[code],
        taken_over=counts.taken_over,
        episodes=counts.episodes,
        leavers=counts.leavers,
        schools=sum(len(plan.schools[code][phase]) for phase in PHASES),
        pupils=rolls.pupils[code],
        dirt=counts.dirt,
        returns_errors=rolls.spoiled[code],
    )
