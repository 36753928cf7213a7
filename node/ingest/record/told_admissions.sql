-- School places asked for: of a child and academic year, as the tracking record has them, or else as they were loaded.
WITH tracked AS (
    SELECT * EXCLUDE (token) FROM tracked_admissions JOIN tracked_children USING (token)
),
loaded AS (
    SELECT
        academic_year, coalesce(la_child_id, pupil_numbers.child) AS child, request_date, on_roll_date
    FROM admissions
    LEFT JOIN pupil_numbers ON pupil_numbers.upn = admissions.upn
)
FROM (FROM loaded ANTI JOIN tracked USING (academic_year, child))
UNION ALL BY NAME
FROM tracked
