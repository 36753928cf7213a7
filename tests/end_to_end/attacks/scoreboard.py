"""The scoreboard: what each attack found out, at the open door and at the front door."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from disclosure_control.presets.shipped import load_preset
from tests.end_to_end.attacks.front_door import BudgetSpent, Door, OpenDoor
from tests.end_to_end.attacks.known import Known, tells


@dataclass(frozen=True)
class Claim:
    """What an attacker says: so many children of an authority meet a condition, between two numbers or just one."""

    authority: str
    where: str
    count: Known


Attack = Callable[[Door], Iterator[Claim]]


@dataclass(frozen=True)
class Line:
    """One attack on one mechanism: tries, and how many told of children, without and with protection."""

    attack: str
    mechanism: str
    open_hits: int
    open_tries: int
    hits: int
    tries: int


@dataclass
class Scoreboard:
    """All lines, printed when the tests are over."""

    lines: list[Line] = field(default_factory=list)

    def add(self, line: Line) -> None:
        """Note a line."""
        self.lines.append(line)

    def render(self) -> Iterable[str]:
        """The table."""
        yield f"{'attack':<44} {'mechanism':<22} {'cell by cell':>14} {'Circe':>12}"
        for each in self.lines:
            unprotected = f"{each.open_hits} of {each.open_tries}" if each.open_tries else "-"
            yield f"{each.attack:<44} {each.mechanism:<22} {unprotected:>14} {f'{each.hits} of {each.tries}':>12}"


BOARD = Scoreboard()


def note(attack: str, mechanism: str, found: int, tries: int) -> None:
    """Put an attack on the scoreboard that has no open door."""
    BOARD.add(Line(attack, mechanism, 0, 0, found, tries))


def score(claims: Iterable[Claim], truth: OpenDoor) -> tuple[int, int]:
    """How many claims tell what may not be known, and are true; and how many there are."""
    preset, tries, hits = load_preset(truth.preset), 0, 0
    for claim in claims:
        tries += 1
        if tells(claim.count, preset):
            hits += claim.count.low <= truth.count(claim.where)[claim.authority] <= claim.count.high
    return hits, tries


def run(attack: Attack, door: Door) -> list[Claim]:
    """The claims of an attack, as far as its budget lasts."""
    claims = []
    try:
        for claim in attack(door):
            claims.append(claim)
    except BudgetSpent:
        pass
    return claims
