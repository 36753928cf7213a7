"""A budget account as a value: the caps of one authority, what has been taken, and what is left.

Every debit is of one academic year, for one project. Three caps hold at once: on one question, on all questions about
one academic year, and on those of one project among them. What was taken is never given back: there is no credit.

The shipped caps are those of `node/rules.toml`; an authority's own may be stricter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from types import MappingProxyType

from disclosure_control.budget.price import NOTHING, Price, PrivacyLoss, write_epsilon

__all__ = ["BudgetAccount", "BudgetShort", "Caps", "Entry"]

Entry = tuple[int, str]
"""An academic year and a project."""


class BudgetShort(Exception):
    """A price is more than an account has left; the text says of which cap, and nothing of any child."""


@dataclass(frozen=True, slots=True)
class Caps:
    """How much epsilon one question may cost, all about one academic year together, and those of one project."""

    question: Fraction
    year: Fraction
    project: Fraction


@dataclass(frozen=True)
class BudgetAccount:
    """What an authority has let out so far, by academic year and project, under its caps."""

    caps: Caps
    taken: Mapping[Entry, PrivacyLoss] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Keep a copy that nobody else can change."""
        object.__setattr__(self, "taken", MappingProxyType(dict(self.taken)))

    def within(self, most: Fraction) -> "BudgetAccount":
        """The account with a cap on each project of no more than this, as one was agreed for the project that asks."""
        return replace(self, caps=replace(self.caps, project=min(self.caps.project, most)))

    @property
    def academic_years(self) -> tuple[int, ...]:
        """The years of which something was taken."""
        return tuple(sorted({year for year, _ in self.taken}))

    def spent(self, academic_year: int, project: str | None = None) -> PrivacyLoss:
        """What was taken from a year: by one project, or by all."""
        losses = (loss for (year, by), loss in self.taken.items() if year == academic_year and project in (None, by))
        return sum(losses, NOTHING)

    def left(self, academic_year: int, project: str) -> Fraction:
        """The epsilon that a project's next question about a year may cost; never below 0, where caps were lowered."""
        of_year = self.caps.year - self.spent(academic_year).epsilon
        of_project = self.caps.project - self.spent(academic_year, project).epsilon
        return max(Fraction(0), min(of_year, of_project))

    def check_room(self, price: Price, project: str) -> None:
        """Check that a price can be paid for each academic year that it touches. Raises `BudgetShort`."""
        asked, most = price.loss.epsilon, self.caps.question
        if asked > most:
            raise BudgetShort(f"epsilon is {write_epsilon(asked)}, and one question may cost {write_epsilon(most)}")
        for year in price.academic_years:
            spent, by_project = self.spent(year).epsilon, self.spent(year, project).epsilon
            _check_cap(asked, spent, self.caps.year, f"questions about {year}")
            _check_cap(asked, by_project, self.caps.project, f"questions of project {project} about {year}")

    def debit(self, price: Price, project: str) -> "BudgetAccount":
        """The account once a price is paid by every academic year that it touches. Raises `BudgetShort`."""
        self.check_room(price, project)
        return self.take(price, project)

    def take(self, price: Price, project: str) -> "BudgetAccount":
        """The account once a price was paid, whether or not there was room for it: for what has happened already."""
        entries = ((year, project) for year in price.academic_years)
        taken = {entry: self.taken.get(entry, NOTHING) + price.loss for entry in entries}
        return replace(self, taken={**self.taken, **taken})


def _check_cap(asked: Fraction, spent: Fraction, cap: Fraction, what: str) -> None:
    if spent + asked > cap:
        raise BudgetShort(
            f"{what} have cost epsilon {write_epsilon(spent)} of {write_epsilon(cap)}, and this one costs "
            f"{write_epsilon(asked)}"
        )
