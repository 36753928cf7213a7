-- Sessions possible and missed by each pupil in each academic year, over the terms whose session details were loaded.
WITH missed AS (
    SELECT
        academic_year, term, pupilonrolltableid,
        sum(sessions) FILTER (WHERE is_authorised_absence(attendancereason)) AS authorised,
        sum(sessions) FILTER (WHERE is_unauthorised_absence(attendancereason)) AS unauthorised
    FROM termlysessiondetailsonroll
    GROUP BY academic_year, term, pupilonrolltableid
)
SELECT
    pupil_year,
    sum(termlysessionspossible)::INTEGER AS possible,
    sum(coalesce(authorised, 0))::DECIMAL(18, 4) AS authorised,
    sum(coalesce(unauthorised, 0))::DECIMAL(18, 4) AS unauthorised
FROM roll
JOIN censuses USING (academic_year, term)
LEFT JOIN missed USING (academic_year, term, pupilonrolltableid)
WHERE has_sessions AND termlysessionspossible > 0
GROUP BY pupil_year
