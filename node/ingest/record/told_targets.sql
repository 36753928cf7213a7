-- Targets by term and subject: of a child and term, as the tracking record has them, or else as they were loaded.
WITH tracked AS (
    SELECT * EXCLUDE (token) FROM tracked_targets JOIN tracked_children USING (token)
),
loaded AS (
    SELECT
        academic_year, term_named(term) AS term, coalesce(la_child_id, pupil_numbers.child) AS child,
        subject, ambition
    FROM targets
    LEFT JOIN pupil_numbers ON pupil_numbers.upn = targets.upn
)
FROM (FROM loaded ANTI JOIN tracked USING (academic_year, term, child))
UNION ALL BY NAME
FROM tracked
