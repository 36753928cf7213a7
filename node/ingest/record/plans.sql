-- The plan of each child in each academic year: reviews, their quality, the ambition of targets, and admissions.
WITH peps AS (
    SELECT
        academic_year, child,
        bool_and(on_time) FILTER (WHERE is_due) AS pep_on_time,
        arg_max(quality, term_number(term)) FILTER (WHERE quality IS NOT NULL) AS pep_quality
    FROM pep_terms
    GROUP BY academic_year, child
),
subjects AS (
    SELECT
        academic_year, child, term_number(term) AS number,
        CASE ambition WHEN 'below' THEN 1 WHEN 'expected' THEN 2 WHEN 'above' THEN 3 END AS ambition
    FROM told_targets
    WHERE ambition IS NOT NULL
),
-- The middle subject of the latest term with targets; of two in the middle, the less ambitious.
ambitions AS (
    SELECT academic_year, child, quantile_disc(ambition, 0.5) AS ambition
    FROM (
        FROM subjects
        QUALIFY number = max(number) OVER (PARTITION BY academic_year, child)
    )
    GROUP BY academic_year, child
),
requests AS (
    SELECT academic_year, child, max(datesub('day', request_date, on_roll_date)) AS days_request_to_roll
    FROM told_admissions
    WHERE on_roll_date >= request_date
    GROUP BY ALL
)
SELECT
    academic_year, child, pep_on_time, pep_quality,
    CASE ambition WHEN 1 THEN 'below' WHEN 2 THEN 'expected' WHEN 3 THEN 'above' END AS target_ambition,
    days_request_to_roll
FROM peps
FULL JOIN ambitions USING (academic_year, child)
FULL JOIN requests USING (academic_year, child)
