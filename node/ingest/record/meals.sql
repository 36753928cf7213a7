-- Whether a pupil was eligible for free school meals on a day of the latest term they were on roll.
SELECT pupil_year, bool_or(
    fsmperiod.pupilonrolltableid IS NOT NULL
    AND coalesce(fsmstartdate <= ends, true)
    AND coalesce(fsmenddate >= starts, true)
) AS eligible
FROM pupil_years
JOIN censuses USING (academic_year, term)
LEFT JOIN fsmperiod USING (academic_year, term, pupilonrolltableid)
WHERE has_meals
GROUP BY pupil_year
