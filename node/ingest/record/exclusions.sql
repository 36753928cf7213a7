-- Exclusions begun in each academic year, by pupil. Suspensions at lunch time (LNCH) are suspensions of half a day
-- each, as their sessions already say.
SELECT
    academic_year, identifier,
    count(*) FILTER (WHERE category IN ('SUSP', 'LNCH')) AS suspensions,
    coalesce(sum(sessions) FILTER (WHERE category IN ('SUSP', 'LNCH')), 0) / 2 AS suspension_days,
    count(*) FILTER (WHERE category = 'PERM') > 0 AS permanently_excluded
FROM begun_exclusions
GROUP BY academic_year, identifier
