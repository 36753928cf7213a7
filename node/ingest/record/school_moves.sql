-- Changes of school between two main registrations that follow each other, in the order of terms and entry dates.
--
-- A change shows only where two registrations can be compared: schools are compared by their reference numbers, or
-- by the names that this authority's censuses give them. Moves that everybody makes are transfers: into Reception or
-- Year 1, 3, 7 or 12 at the start of a school year.
--
-- Pupils with one registration have no change, and need not be put in order.
WITH several AS (
    SELECT identifier FROM registrations GROUP BY identifier HAVING count(*) > 1
),
ordered AS (
    SELECT
        *,
        lag(school) OVER earlier AS left_school,
        lag(urn) OVER earlier AS left_urn,
        lag(academic_year) OVER earlier AS left_year
    FROM registrations SEMI JOIN several USING (identifier)
    WINDOW earlier AS (
        PARTITION BY identifier ORDER BY academic_year, term_number, entrydate NULLS FIRST, school
    )
),
changes AS (
    SELECT
        *,
        coalesce(
            CASE WHEN entrydate >= make_date(left_year // 100, 9, 1) THEN entrydate END,
            term_start(academic_year, CASE term_number WHEN 1 THEN 'autumn' WHEN 2 THEN 'spring' ELSE 'summer' END)
        ) AS moved_on,
        year_group_on(dob, make_date(academic_year // 100, 9, 1)) AS year_group
    FROM ordered
    WHERE coalesce(urn <> left_urn, school <> left_school)
)
SELECT
    academic_year, identifier, moved_on, year_group, left_urn, urn AS joined_urn,
    was_guest AS is_managed,
    left_year = academic_year AS is_within_year,
    left_year <> academic_year
        AND (year_group <= 1 OR year_group IN (3, 7, 12))
        AND moved_on <= make_date(academic_year // 100, 9, 30) AS is_transfer
FROM changes
