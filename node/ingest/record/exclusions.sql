-- Exclusions begun in each academic year, whichever census told of them: a census asks about the term before it.
-- Suspensions at lunch time (LNCH) are suspensions of half a day each, as their sessions already say.
WITH begun AS (
    SELECT
        CASE
            WHEN startdate IS NULL THEN x.academic_year
            ELSE year(school_year_eve(startdate)) * 100 + (year(school_year_eve(startdate)) + 1) % 100
        END AS academic_year,
        identifier, category, sessions
    FROM termlyexclusionsonroll x
    JOIN roll USING (academic_year, term, pupilonrolltableid)
)
SELECT
    academic_year, identifier,
    count(*) FILTER (WHERE category IN ('SUSP', 'LNCH')) AS suspensions,
    coalesce(sum(sessions) FILTER (WHERE category IN ('SUSP', 'LNCH')), 0) / 2 AS suspension_days,
    count(*) FILTER (WHERE category = 'PERM') > 0 AS permanently_excluded
FROM begun
GROUP BY academic_year, identifier
