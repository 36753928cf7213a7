"""Progress and attendance over time, as charts and tables: of one child, and of a cohort from its starting points."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from node.terms import first_day, parse_term, term_of
from node.tracking.ambition import Course, last_day
from node.tracking.chart import Chart, Series, across, draw, up
from node.tracking.facts import Attainment, Attendance, StartingPoint, Target
from node.tracking.flags import courses_of
from node.tracking.grades import MOST_POINTS, points_of
from node.tracking.known import YearFacts
from node.tracking.record import TrackingRecord
from node.tracking.values import tell_subject, tell_term, tell_year

MOST_TICKS = 5
"""Words along the foot of a chart, which on a telephone are as wide as a fifth of it."""

POINTS = tuple((float(points), str(points)) for points in range(0, MOST_POINTS + 1, 3))


@dataclass(frozen=True)
class Table:
    """The figures of a chart: headings and rows of texts."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Shown:
    """A chart with the table that tells the same."""

    chart: Chart
    table: Table


def draw_progress(record: TrackingRecord, acceleration: float) -> tuple[Shown, ...]:
    """A chart for each subject in which something was reached or is aimed at."""
    courses = courses_of(record, acceleration)
    told: list[StartingPoint | Target | Attainment] = [*record.all(StartingPoint), *record.all(Target)]
    told += record.all(Attainment)
    subjects = dict.fromkeys(each.subject for each in told)
    shown = (_draw_subject(subject, record, courses.get(subject)) for subject in subjects)
    return tuple(each for each in shown if each is not None)


def _draw_subject(subject: str, record: TrackingRecord, course: Course | None) -> Shown | None:
    targets = {each.term: each.target for each in record.all(Target) if each.subject == subject}
    reached = {each.term: each.grade for each in record.all(Attainment) if each.subject == subject}
    terms = sorted({*targets, *reached}, key=last_day)
    if not terms:
        return None
    days = [last_day(terms[0]), last_day(terms[-1]), *([course.begins] if course else [])]
    begins, end = min(days), max(days)
    series = (
        Series("expected from the start", "line", _course_line(course, end, 0) if course else ()),
        Series("accelerated", "dashed", _course_line(course, end, course.acceleration) if course else ()),
        Series("target", "squares", tuple((_x(last_day(term)), points_of(targets[term])) for term in targets)),
        Series(
            "reached",
            "dots",
            tuple((_x(last_day(term)), points_of(reached[term])) for term in terms if term in reached),
        ),
    )
    title = f"Progress in {tell_subject(subject)}"
    x = across([_x(begins), _x(end)], _years(begins, end), margin=30)
    table = Table(
        ("Term", "Target", "Reached"),
        tuple((tell_term(term), targets.get(term, "-"), reached.get(term, "-")) for term in terms),
    )
    return Shown(
        draw(title, _tell_subject(terms, targets, reached, course), series, x, up(0, MOST_POINTS, POINTS)), table
    )


def _tell_subject(
    terms: Sequence[str], targets: Mapping[str, str], reached: Mapping[str, str], course: Course | None
) -> str:
    told = [f"{course.points} points at the start."] if course else ["No starting point."]
    for term in terms:
        aimed = f"target {targets[term]}" if term in targets else "no target"
        got = f"reached {reached[term]}" if term in reached else "nothing reached yet"
        told.append(f"{tell_term(term)}: {aimed}, {got}.")
    return " ".join(told)


def _course_line(course: Course, end: date, acceleration: float) -> tuple[tuple[float, float], ...]:
    """The ends of a course, and where it comes to the top of the line."""
    gaining = Course(course.begins, course.points, acceleration)
    points = [(_x(course.begins), float(course.points)), (_x(end), gaining.accelerated(end))]
    if acceleration and points[1][1] >= MOST_POINTS:
        days = (MOST_POINTS - course.points) / acceleration * 365.25
        points.insert(1, (_x(course.begins) + days, float(MOST_POINTS)))
    return tuple(points)


def _x(day: date) -> float:
    return float(day.toordinal())


def _years(begins: date, end: date) -> list[tuple[float, str]]:
    """A tick in the middle of each academic year, and no more than a few: what lies over it is of that year."""
    first, last = (term_of(day).academic_year // 100 for day in (begins, end))
    step = -(-(last - first + 1) // MOST_TICKS)
    return [(_x(_middle_of_year(year)), f"{year}/{(year + 1) % 100:02}") for year in range(first, last + 1, step)]


def _middle_of_year(first: int) -> date:
    return date(first + 1, 3, 1)


def _middle_of_term(term: str) -> date:
    begins, ends = first_day(parse_term(term)), last_day(term)
    return begins + (ends - begins) / 2


def draw_attendance(years: Sequence[YearFacts], terms: Iterable[Attendance]) -> Shown | None:
    """The attendance of each year that the reporting tables tell of, and of each term of the tracking record."""
    yearly = {each.academic_year: each.attendance_rate for each in years if each.attendance_rate is not None}
    termly = {
        each.term: 1 - (each.authorised + each.unauthorised) / each.possible
        for each in sorted(terms, key=lambda each: last_day(each.term))
        if each.possible
    }
    if not yearly and not termly:
        return None
    told = [(tell_year(year), rate) for year, rate in yearly.items()]
    told += [(tell_term(term), rate) for term, rate in termly.items()]
    rows = tuple((when, f"{100 * rate:.1f}%") for when, rate in told)
    by_year = {_middle_of_year(year // 100): rate for year, rate in yearly.items()}
    by_term = {_middle_of_term(term): rate for term, rate in termly.items()}
    chart = _plot_attendance(by_year, by_term, " ".join(f"{when}: {rate}." for when, rate in rows))
    return Shown(chart, Table(("When", "Sessions attended"), rows))


def _plot_attendance(by_year: Mapping[date, float], by_term: Mapping[date, float], told: str) -> Chart:
    days = [*by_year, *by_term]
    ticks = _years(min(days), max(days))
    low = min([80.0, *(rate * 100 // 10 * 10 for rate in (*by_year.values(), *by_term.values()))])
    ends = (_x(date(term_of(min(days)).academic_year // 100, 9, 1)), max(_x(max(days)), ticks[-1][0]) + 30)
    series = (
        Series("persistent absence below this", "dashed", tuple((end, 90.0) for end in ends)),
        Series("each year", "dots", tuple((_x(day), 100 * rate) for day, rate in by_year.items())),
        Series("each term", "squares", tuple((_x(day), 100 * rate) for day, rate in by_term.items())),
    )
    rates = [(value, f"{value:.0f}%") for value in (low, 90.0, 100.0)]
    return draw("Attendance", told, series, across(ends, ticks), up(low, 100, rates))


def draw_cohort(records: Iterable[TrackingRecord], subject: str) -> Shown | None:
    """What each child last reached in a subject, beside their starting point: above the line is more than expected."""
    pairs = Counter(pair for record in records if (pair := _start_and_last(record, subject)) is not None)
    if not pairs:
        return None
    line = ((0.0, 0.0), (float(MOST_POINTS), float(MOST_POINTS)))
    placed = tuple((float(start), float(last)) for start, last in pairs)
    series = (
        Series("expected from the start", "line", line),
        Series("children", "sizes", placed, tuple(pairs.values())),
    )
    more, same, less = _count(pairs)
    total = sum(pairs.values())
    who = "1 child" if total == 1 else f"{total} children"
    told = f"{who}: {more} above what was expected from the start, {same} at it, {less} below."
    rows = tuple((str(start), str(last), str(count)) for (start, last), count in sorted(pairs.items()))
    axis = across((), POINTS)
    title = f"Progress in {tell_subject(subject)} from the starting point"
    chart = draw(title, told, series, axis, up(0, MOST_POINTS, POINTS))
    return Shown(chart, Table(("Points at the start", "Points reached last", "Children"), rows))


def _start_and_last(record: TrackingRecord, subject: str) -> tuple[int, int] | None:
    starts = [each.grade for each in record.all(StartingPoint) if each.subject == subject]
    reached = [each for each in record.all(Attainment) if each.subject == subject]
    if not starts or not reached:
        return None
    return points_of(starts[-1]), points_of(max(reached, key=lambda each: last_day(each.term)).grade)


def _count(pairs: Counter[tuple[int, int]]) -> tuple[int, int, int]:
    more = sum(count for (start, last), count in pairs.items() if last > start)
    same = sum(count for (start, last), count in pairs.items() if last == start)
    return more, same, sum(pairs.values()) - more - same
