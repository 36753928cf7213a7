-- Support: of a child and academic year, as the tracking record has it, or else as it was loaded.
WITH tracked AS (
    SELECT * EXCLUDE (token) FROM tracked_support JOIN tracked_children USING (token)
),
loaded AS (
    SELECT
        academic_year, coalesce(la_child_id, pupil_numbers.child) AS child,
        kind, target_subject, start_date, end_date, cost
    FROM support
    LEFT JOIN pupil_numbers ON pupil_numbers.upn = support.upn
)
FROM (FROM loaded ANTI JOIN tracked USING (academic_year, child))
UNION ALL BY NAME
FROM tracked
