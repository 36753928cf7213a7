-- Exclusions by the academic year they began in, whichever census told of them: a census asks about the term before.
-- Of pupils who have left the school since, which is what a permanent exclusion makes of them, it asks apart.
WITH told AS (
    SELECT x.academic_year AS told_in, term, startdate, category, sessions, pupil_year AS told_of, identifier
    FROM termlyexclusionsonroll x
    JOIN roll USING (academic_year, term, pupilonrolltableid)
    UNION ALL
    SELECT x.academic_year, term, startdate, category, sessions, pupil_year, upn
    FROM termlyexclusionsoffroll x
    JOIN departures USING (academic_year, term, pupilnolongeronrolltableid)
)
SELECT coalesce(academic_year_of(startdate), told_in)::INTEGER AS academic_year, told.*
FROM told
