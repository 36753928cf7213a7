"""Ambition: where a child would get to from their starting point, and whether a target asks for more than that.

Whoever keeps to a grade makes the progress that is expected, so the expected course is level with the starting point.
The policy paper asks for more: children come into care behind, and are to catch up. The accelerated course rises by so
many points a year (`acceleration` of the node's rules). A target keeps to the ambition rule where it is above what is
expected, unless nothing is, and no lower than the best grade within the accelerated course.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from node.terms import first_day, parse_term, term_of
from node.tracking.facts import StartingPoint, Target
from node.tracking.grades import MOST_POINTS, best_within, load_grades, points_of

_YEAR = timedelta(days=365.25)


@dataclass(frozen=True)
class Course:
    """A child's way in one subject from where it starts: `points` there and then, and what it is to gain in a year."""

    begins: date
    points: int
    acceleration: float

    def accelerated(self, day: date) -> float:
        """The points of the accelerated course on a day."""
        years = max(timedelta(0), day - self.begins) / _YEAR
        return min(float(MOST_POINTS), self.points + years * self.acceleration)


@dataclass(frozen=True)
class Judgement:
    """What is to be said of a target: its ambition in the catalogue's words, if known, and whether it is enough."""

    ambition: str | None
    keeps_rule: bool


def course_of(start: StartingPoint, acceleration: float) -> Course:
    """The course that begins with a starting point."""
    return Course(start.assessed_on, points_of(start.grade), acceleration)


def judge_target(target: Target, course: Course | None) -> Judgement:
    """Judge a target beside the course from the starting point and what the school expects, as far as they are known.

    The higher of the two is what is expected. Of a child without either nothing can be said, and nothing is held
    against the target.
    """
    expected = [points_of(target.expected)] if target.expected else []
    expected += [course.points] if course else []
    if not expected:
        return Judgement(None, True)
    grade = load_grades()[target.target]
    ambition = _compare(grade.points, max(expected))
    is_highest = grade.points >= best_within(grade.scale, MOST_POINTS).points
    least = course.accelerated(last_day(target.term)) if course else 0.0
    keeps = (ambition == "above" or is_highest) and grade.points >= best_within(grade.scale, least).points
    return Judgement(ambition, keeps)


def _compare(points: int, expected: int) -> str:
    if points == expected:
        return "expected"
    return "above" if points > expected else "below"


def last_day(term: str) -> date:
    """The last day of a term written like `202425-summer`; the summer holidays belong to summer."""
    begins = first_day(parse_term(term))
    # Into the next term, whichever it is: the longest has 153 days and the shortest 90.
    days = 160 if begins.month == 4 else 95 if begins.month == 1 else 125
    return first_day(term_of(begins + timedelta(days=days))) - timedelta(days=1)
