"""The naive answer to the demo's question: every authority's rows in one place, plain SQL, and the rules by hand.

Nothing of the query engine or of disclosure control is used, so agreement with them means something. The rules are
those of `opensafely` as its file states them: counts of 0 to 7 withheld, the rest to the nearest 5, shares of children
from the rounded counts, averages of a quantity over at least 10 children, whichever of the numbers that are printed
alike they are, three decimals for what runs from 0 to 1.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

Figure = int | float | str
Row = tuple[str, str | None, Figure, Figure, Figure]

POOLED = """
SELECT home_authority, sen_provision, count(DISTINCT child),
       count(DISTINCT child) FILTER (WHERE attendance_rate IS NOT NULL),
       count(DISTINCT child) FILTER (WHERE attendance_rate <> 0),
       sum(CAST(attendance_rate * 10000 AS BIGINT)),
       count(DISTINCT child) FILTER (WHERE persistent_absentee IS NOT NULL),
       count(DISTINCT child) FILTER (WHERE persistent_absentee)
FROM read_parquet($files)
WHERE academic_year = 202425 AND population = 'looked_after' AND counted_here AND year_group BETWEEN 1 AND 11
GROUP BY ALL
"""

PROVISIONS = ("none", "sen_support", "ehc_plan", None)


def expected_rows(files: Sequence[Path], authorities: Sequence[str]) -> Iterator[Row]:
    """Yield the rows that a release of the demo's question must have, in order."""
    with duckdb.connect(":memory:") as connection:
        found = connection.execute(POOLED, {"files": [str(file) for file in files]}).fetchall()
    pooled = {(authority, provision): figures for authority, provision, *figures in found}
    for authority in sorted(authorities):
        for provision in PROVISIONS:
            figures = pooled.get((authority, provision), [0] * 6)
            yield authority, provision, *protect_by_hand(*figures)


def protect_by_hand(
    children: int, with_attendance: int, attending: int, attendance: int | None, with_answer: int, absentees: int
) -> tuple[Figure, Figure, Figure]:
    """Return children, mean attendance and share of persistent absentees as they may be shown."""
    if children < 8:
        return "c", "c", "c"
    if nearest_five(with_attendance) - 2 < 10 or attending < 8:
        mean: Figure = "c"
    else:
        mean = half_up(attendance or 0, with_attendance * 10, 3)
    no, missing = with_answer - absentees, children - with_answer
    if absentees < 8 or no < 8 or 0 < missing < 8:
        share: Figure = "c"
    else:
        share = half_up(nearest_five(absentees) * 1000, nearest_five(with_answer), 3)
    return nearest_five(children), mean, share


def nearest_five(count: int) -> int:
    return (2 * count + 5) // 10 * 5


def half_up(numerator: int, denominator: int, places: int) -> float:
    """A quotient of whole numbers, to the nearest thousandth and halves up; the numerator is in thousandths."""
    return float((2 * numerator + denominator) // (2 * denominator) / 10**places)
