-- Exclusions begun in each academic year, by pupil. Suspensions at lunch time (LNCH) are suspensions of half a day
-- each, as their sessions already say.
WITH begun AS (
    SELECT told_of AS pupil_year, category, sessions
    FROM begun_exclusions
    WHERE academic_year = told_in AND told_of IS NOT NULL
    UNION ALL
    SELECT pupil_year, category, sessions
    FROM begun_exclusions
    JOIN pupil_years USING (academic_year, identifier)
    WHERE begun_exclusions.academic_year <> told_in
)
SELECT
    pupil_year,
    count(*) FILTER (WHERE category IN ('SUSP', 'LNCH')) AS suspensions,
    coalesce(sum(sessions) FILTER (WHERE category IN ('SUSP', 'LNCH')), 0) / 2 AS suspension_days,
    count(*) FILTER (WHERE category = 'PERM') > 0 AS permanently_excluded
FROM begun
GROUP BY pupil_year
