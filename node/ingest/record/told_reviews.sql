-- Reviews of personal education plans: as the tracking record has them, or else as they were loaded.
WITH tracked AS (
    SELECT * EXCLUDE (token) FROM tracked_reviews JOIN tracked_children USING (token)
),
loaded AS (
    SELECT
        academic_year, term_named(term) AS term, coalesce(la_child_id, pupil_numbers.child) AS child,
        meeting_date, completed_date, quality, sdq_strategies
    FROM pep_reviews
    LEFT JOIN pupil_numbers ON pupil_numbers.upn = pep_reviews.upn
)
SELECT *, false AS is_tracked FROM loaded ANTI JOIN tracked USING (academic_year, term, child)
UNION ALL BY NAME
SELECT *, true AS is_tracked FROM tracked
