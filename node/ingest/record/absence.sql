-- Sessions possible and missed by each pupil in each academic year, over the terms that a loaded census tells of.
--
-- A census tells of the term before its own, so the spring and summer censuses are about the year they are in, and the
-- autumn census is about the year before, of the pupils who are in the record of that year too. What a school tells of a
-- pupil who has left it counts where they are on roll here.
WITH missed AS (
    SELECT
        academic_year, term, pupilonrolltableid,
        sum(sessions) FILTER (WHERE is_authorised_absence(attendancereason)) AS authorised,
        sum(sessions) FILTER (WHERE is_unauthorised_absence(attendancereason)) AS unauthorised
    FROM sessions_on_roll
    GROUP BY academic_year, term, pupilonrolltableid
),
missed_before_leaving AS (
    SELECT
        academic_year, term, pupilnolongeronrolltableid,
        sum(sessions) FILTER (WHERE is_authorised_absence(attendancereason)) AS authorised,
        sum(sessions) FILTER (WHERE is_unauthorised_absence(attendancereason)) AS unauthorised
    FROM sessions_off_roll
    GROUP BY academic_year, term, pupilnolongeronrolltableid
),
told AS (
    SELECT
        pupil_year, identifier, academic_year, term, authorised, unauthorised,
        termlysessionspossible AS possible, summerhalfterm2sessionspossible AS possible_in_half_term
    FROM roll
    LEFT JOIN missed USING (academic_year, term, pupilonrolltableid)
    UNION ALL
    SELECT
        pupil_year, upn, academic_year, term, authorised, unauthorised,
        termlysessionspossible, summerhalfterm2sessionspossible
    FROM departures
    LEFT JOIN missed_before_leaving USING (academic_year, term, pupilnolongeronrolltableid)
),
counted AS (
    SELECT
        pupil_year, identifier, term, attended_year(academic_year, term) AS academic_year, authorised, unauthorised,
        told.possible + if(has_half_term, coalesce(possible_in_half_term, 0), 0) AS possible
    FROM told
    JOIN censuses USING (academic_year, term)
    WHERE has_sessions AND told.possible > 0
),
attended AS (
    SELECT pupil_year, possible, authorised, unauthorised
    FROM counted
    WHERE term <> 'autumn' AND pupil_year IS NOT NULL
    UNION ALL
    SELECT pupil_years.pupil_year, possible, authorised, unauthorised
    FROM counted
    JOIN pupil_years USING (academic_year, identifier)
    WHERE counted.term = 'autumn'
)
SELECT
    pupil_year,
    sum(possible)::INTEGER AS possible,
    sum(coalesce(authorised, 0))::DECIMAL(18, 4) AS authorised,
    sum(coalesce(unauthorised, 0))::DECIMAL(18, 4) AS unauthorised
FROM attended
GROUP BY pupil_year
