-- Attendance by the daily record that the virtual school keeps, one session for each row of a child and academic year; of
-- whom it has none, by the sums of the tracking record.
WITH sessions AS (
    SELECT DISTINCT academic_year, coalesce(la_child_id, pupil_numbers.child) AS child, date, session, code
    FROM attendance_daily AS marks
    LEFT JOIN pupil_numbers ON pupil_numbers.upn = marks.upn
),
daily AS (
    SELECT
        academic_year, child,
        count(*) FILTER (WHERE NOT is_impossible_session(code)) AS possible,
        count(*) FILTER (WHERE is_authorised_absence(code)) AS authorised,
        count(*) FILTER (WHERE is_unauthorised_absence(code)) AS unauthorised
    FROM sessions
    WHERE child IS NOT NULL AND code IS NOT NULL
    GROUP BY academic_year, child
),
tracked AS (
    SELECT
        academic_year, child,
        sum(possible) AS possible, sum(authorised) AS authorised, sum(unauthorised) AS unauthorised
    FROM tracked_attendance JOIN tracked_children USING (token)
    GROUP BY academic_year, child
),
counted AS (
    FROM daily
    UNION ALL BY NAME
    FROM (FROM tracked ANTI JOIN daily USING (academic_year, child))
)
SELECT
    academic_year, child,
    1 - (authorised + unauthorised)::DECIMAL(9, 4) / possible AS attendance_rate,
    unauthorised::DECIMAL(9, 4) / possible AS sessions_missed_unauthorised_rate,
    10 * (authorised + unauthorised) >= possible AS persistent_absentee,
    2 * (authorised + unauthorised) >= possible AS severe_absentee,
    (authorised + unauthorised) / 2 AS days_out_of_learning
FROM counted
WHERE possible > 0
