-- Sessions missed by each child of the record, by the term they were missed in and reason: from this authority's own
-- censuses, each of which tells of the term before its own, and from the daily record for the children and years of
-- which those say nothing.
WITH told_of AS (
    SELECT academic_year, term, upn, attendancereason AS code, sessions
    FROM sessions_on_roll
    JOIN entries USING (academic_year, term, pupilonrolltableid)
    UNION ALL
    SELECT academic_year, term, upn, attendancereason, sessions
    FROM sessions_off_roll
    JOIN departures USING (academic_year, term, pupilnolongeronrolltableid)
    WHERE pupil_year IS NOT NULL OR term = 'autumn'
),
counted AS (
    SELECT children.academic_year, la_child_id, attended_term(term) AS term, code, sum(sessions) AS sessions
    FROM told_of
    JOIN children
        ON children.academic_year = attended_year(told_of.academic_year, term) AND children.upn = told_of.upn
    GROUP BY ALL
),
fed AS (
    SELECT academic_year, coalesce(la_child_id, pupil_numbers.child) AS la_child_id, date, session, code
    FROM attendance_daily
    LEFT JOIN pupil_numbers ON pupil_numbers.upn = attendance_daily.upn
),
told AS (
    SELECT academic_year, la_child_id, term, code, sessions FROM counted
    UNION ALL
    SELECT academic_year, la_child_id, term_of(date), code, count(DISTINCT (date, session))
    FROM fed
    WHERE (academic_year, la_child_id) NOT IN (SELECT (academic_year, la_child_id) FROM counted)
    GROUP BY ALL
)
SELECT
    children.*,
    term,
    absence_reason(code) AS absence_reason,
    is_authorised_absence(code) AS authorised,
    sum(sessions) AS sessions
FROM told
JOIN children USING (academic_year, la_child_id)
WHERE is_authorised_absence(code) OR is_unauthorised_absence(code)
GROUP BY ALL
