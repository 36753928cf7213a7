-- Whether a pupil was eligible for free school meals on a day of the latest term they were on roll.
SELECT academic_year, identifier, bool_or(
    fsmperiod.pupilonrolltableid IS NOT NULL
    AND coalesce(fsmstartdate <= term_end(academic_year, term), true)
    AND coalesce(fsmenddate >= term_start(academic_year, term), true)
) AS eligible
FROM pupil_years
JOIN censuses USING (academic_year, term)
LEFT JOIN fsmperiod USING (academic_year, term, pupilonrolltableid)
WHERE has_meals
GROUP BY academic_year, identifier
