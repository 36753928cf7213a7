-- Sessions possible and missed by each pupil in each academic year, over the terms that the year's censuses tell of.
--
-- A census asks about the term before it, so those of a year tell of the summer, autumn and spring terms from April to
-- March: the year of the return. What a school tells of a pupil who has left it counts where they are on roll here.
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
        pupil_year, academic_year, term, authorised, unauthorised,
        termlysessionspossible AS possible, summerhalfterm2sessionspossible AS possible_in_half_term
    FROM roll
    LEFT JOIN missed USING (academic_year, term, pupilonrolltableid)
    UNION ALL
    SELECT
        pupil_year, academic_year, term, authorised, unauthorised,
        termlysessionspossible, summerhalfterm2sessionspossible
    FROM departures
    LEFT JOIN missed_before_leaving USING (academic_year, term, pupilnolongeronrolltableid)
    WHERE pupil_year IS NOT NULL
)
SELECT
    pupil_year,
    sum(possible + if(has_half_term, coalesce(possible_in_half_term, 0), 0))::INTEGER AS possible,
    sum(coalesce(authorised, 0))::DECIMAL(18, 4) AS authorised,
    sum(coalesce(unauthorised, 0))::DECIMAL(18, 4) AS unauthorised
FROM told
JOIN censuses USING (academic_year, term)
WHERE has_sessions AND told.possible > 0
GROUP BY pupil_year
