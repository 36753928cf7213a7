-- Whether a pupil was eligible for free school meals on the day of the latest census they were on roll in, as DfE counts
-- it, and whether they ever were in the six years before, as far as the periods go that this census tells of.
SELECT
    pupil_year,
    bool_or(is_known AND begun AND coalesce(fsmenddate >= census_day, true)) AS eligible,
    bool_or(is_known AND begun AND coalesce(fsmenddate >= census_day - INTERVAL 6 YEAR, true)) AS ever_eligible
FROM (
    SELECT
        pupil_year, census_day, fsmenddate,
        fsmperiod.pupilonrolltableid IS NOT NULL AS is_known,
        coalesce(fsmstartdate <= census_day, true) AS begun
    FROM pupil_years
    JOIN censuses USING (academic_year, term)
    LEFT JOIN fsmperiod USING (academic_year, term, pupilonrolltableid)
    WHERE has_meals
)
GROUP BY pupil_year
