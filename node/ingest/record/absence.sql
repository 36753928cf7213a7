-- Sessions possible and missed in each academic year, over the terms whose session details were loaded.
--
-- Authorised: C C1 C2 E H I J J1 M R S T. Unauthorised: G N O U. The other codes are attendance, or sessions that
-- are not possible ones (D, X, Y to Y7, Z, #).
WITH missed AS (
    SELECT
        academic_year, term, pupilonrolltableid,
        sum(sessions) FILTER (
            WHERE attendancereason IN ('C', 'C1', 'C2', 'E', 'H', 'I', 'J', 'J1', 'M', 'R', 'S', 'T')
        ) AS authorised,
        sum(sessions) FILTER (WHERE attendancereason IN ('G', 'N', 'O', 'U')) AS unauthorised
    FROM termlysessiondetailsonroll
    GROUP BY academic_year, term, pupilonrolltableid
)
SELECT
    academic_year, identifier,
    sum(termlysessionspossible) AS possible,
    sum(coalesce(authorised, 0)) AS authorised,
    sum(coalesce(unauthorised, 0)) AS unauthorised
FROM roll
JOIN censuses USING (academic_year, term)
LEFT JOIN missed USING (academic_year, term, pupilonrolltableid)
WHERE has_sessions AND termlysessionspossible > 0
GROUP BY academic_year, identifier
