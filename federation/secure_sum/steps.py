"""What the hub is to do next for an attempt at a sum (S5, S7, S10, S12): what a `Collector` answers."""

from dataclasses import dataclass
from datetime import datetime

from federation.envelope import Envelope
from federation.secure_sum.messages import SurvivorSet


@dataclass(frozen=True)
class Wait:
    """Nothing to do before something arrives, or this moment comes."""

    until: datetime


@dataclass(frozen=True)
class AskSurvivors:
    """Store this statement, then have every survivor that has not signed it sign it; asking twice does no harm."""

    statement: SurvivorSet


@dataclass(frozen=True)
class AskReveals:
    """Send this opening to every survivor that has not revealed; asking twice does no harm."""

    envelope: Envelope
    survivors: tuple[str, ...]


@dataclass(frozen=True)
class Open:
    """Everything is here: call `open`."""

    survivors: tuple[str, ...]


@dataclass(frozen=True)
class Fail:
    """The attempt cannot succeed; `culprits` are those without whom it cannot."""

    code: str
    text: str
    culprits: tuple[str, ...]


Step = Wait | AskSurvivors | AskReveals | Open | Fail
