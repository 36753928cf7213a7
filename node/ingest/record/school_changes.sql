-- What changes of school each pupil had by the end of each academic year that has a registration of theirs.
--
-- Changes of the year show only where two terms of it can be compared. A managed move leaves a trace in the census
-- where the pupil was first registered as a guest (enrolment status S) at the school that then took them on.
WITH years AS (
    SELECT academic_year, identifier, any_value(dob) AS dob
    FROM registrations
    GROUP BY academic_year, identifier
),
comparable AS (
    SELECT academic_year
    FROM registrations
    GROUP BY academic_year
    HAVING count(DISTINCT term_number) > 1
),
moved AS (
    SELECT DISTINCT identifier FROM school_moves
),
counted AS (
    SELECT
        years.academic_year, identifier,
        count(*) FILTER (WHERE moves.academic_year = years.academic_year AND is_within_year) AS within_year,
        count(*) FILTER (WHERE moves.academic_year = years.academic_year AND is_managed) AS managed,
        count(*) FILTER (WHERE year_group IN (10, 11) AND NOT is_transfer) AS in_key_stage_4
    FROM years
    JOIN moved USING (identifier)
    JOIN school_moves AS moves ON moves.identifier = years.identifier AND moves.academic_year <= years.academic_year
    GROUP BY years.academic_year, identifier
)
SELECT
    academic_year, identifier,
    CASE WHEN comparable.academic_year IS NOT NULL THEN coalesce(within_year, 0) END AS school_changes_in_year,
    CASE WHEN comparable.academic_year IS NOT NULL THEN coalesce(managed, 0) END AS managed_moves,
    CASE
        WHEN year_group_on(dob, make_date(academic_year // 100, 9, 1)) >= 10 AND comparable.academic_year IS NOT NULL
        THEN coalesce(in_key_stage_4, 0) > 0
    END AS school_change_in_ks4
FROM years
LEFT JOIN comparable USING (academic_year)
LEFT JOIN counted USING (academic_year, identifier)
