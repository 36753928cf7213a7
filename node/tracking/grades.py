"""The grades by which attainment is told, and the points of each on one line (`grades.toml`)."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

MOST_POINTS = 9
"""The end of the line."""


@dataclass(frozen=True)
class Grade:
    """One grade: its code, unique among all scales, what it means, and where it stands."""

    code: str
    scale: str
    points: int
    meaning: str


@cache
def load_grades() -> Mapping[str, Grade]:
    """Every grade by its code, scale by scale from the lowest up."""
    scales = tomllib.loads(Path(__file__).with_name("grades.toml").read_text(encoding="utf-8"))
    grades = [
        Grade(code, name, points, told) for name, scale in scales.items() for code, points, told in scale["grades"]
    ]
    return {grade.code: grade for grade in grades}


def points_of(code: str) -> int:
    """The points of a grade by its code."""
    return load_grades()[code].points


def best_within(scale: str, points: float) -> Grade:
    """The highest grade of a scale that takes no more than so many points; its lowest, where none does."""
    grades = [grade for grade in load_grades().values() if grade.scale == scale]
    return max((grade for grade in grades if grade.points <= points), key=lambda each: each.points, default=grades[0])
