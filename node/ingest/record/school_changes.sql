-- What changes of school each pupil had by the end of each academic year that has a registration of theirs.
--
-- Changes of the year show only where two terms of it can be compared: in other years nothing is known. A managed move
-- leaves a trace in the census where the pupil was first registered as a guest (enrolment status S) at the school that
-- then took them on.
WITH comparable AS (
    SELECT academic_year
    FROM registrations
    GROUP BY academic_year
    HAVING count(DISTINCT term_number) > 1
),
years AS (
    SELECT academic_year, identifier, any_value(dob) AS dob
    FROM registrations SEMI JOIN comparable USING (academic_year)
    GROUP BY academic_year, identifier
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
    coalesce(within_year, 0) AS school_changes_in_year,
    coalesce(managed, 0) AS managed_moves,
    CASE WHEN year_group_on(dob, make_date(academic_year // 100, 9, 1)) >= 10 THEN coalesce(in_key_stage_4, 0) > 0 END
        AS school_change_in_ks4
FROM years
LEFT JOIN counted USING (academic_year, identifier)
