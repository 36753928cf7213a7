-- Exclusions by the academic year they began in, whichever census told of them: a census asks about the term before.
SELECT
    coalesce(academic_year_of(startdate), x.academic_year)::INTEGER AS academic_year,
    x.academic_year AS told_in,
    pupil_year AS told_of,
    identifier, term, startdate, category, sessions
FROM termlyexclusionsonroll x
JOIN roll USING (academic_year, term, pupilonrolltableid)
