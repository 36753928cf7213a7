-- Who is in nobody's care and still somebody to whom a virtual school head has a duty, as of now: the status, what it rests
-- on, and who tells of it. One row for each telling, so a child may have several; those in our own care now are left out.
--
-- Previously looked after (Children Act 1989, s. 23ZZA): as the parent declared to a school of ours, or by our own latest
-- return. In need (s. 17), or in kinship care: by the list that was loaded last, from its first day until the day that ends
-- it has passed, which is kept: it can pass before the next load.
WITH listed AS (
    SELECT
        'child_in_need' AS care_status, upn, la_child_id, date_of_birth AS dob, kind AS rests_on,
        list_position(['referral', 'child_in_need_plan', 'child_protection_plan'], kind) AS weight,
        need_start_date AS started, need_end_date AS ended
    FROM children_in_need
    WHERE kind <> 'no_further_action'

    UNION ALL

    SELECT 'kinship', upn, la_child_id, date_of_birth, arrangement, 0, kinship_start_date, kinship_end_date
    FROM kinship_care
),
-- Not every row of a child has the pupil number. Where rows of one number of our own have several, two systems number
-- different children alike, and each row is of whom it names.
numbers AS (
    SELECT la_child_id, any_value(upn) AS pupil_number
    FROM listed
    WHERE la_child_id IS NOT NULL AND NOT is_no_upn(upn)
    GROUP BY la_child_id
    HAVING count(DISTINCT upn) = 1
),
told AS (
    SELECT
        'previously_looked_after' AS care_status, identifier,
        CASE WHEN NOT is_roll_key(identifier) THEN identifier END AS upn,
        NULL AS la_child_id, dob,
        CASE plaa
            WHEN 'A' THEN 'adoption'
            WHEN 'G' THEN 'special_guardianship'
            WHEN 'R' THEN 'residence_order'
            WHEN 'C' THEN 'child_arrangements'
        END AS rests_on,
        NULL AS since, NULL AS until,
        'parent' AS told_by
    FROM pupils
    WHERE plaa IN ('A', 'G', 'R', 'C') AND academic_year = (SELECT max(academic_year) FROM pupils)

    UNION ALL

    SELECT
        'previously_looked_after', coalesce(pupil_number, la_child_id), pupil_number, la_child_id, dob,
        CASE
            WHEN last_rec IN ('E11', 'E12') THEN 'adoption'
            WHEN last_rec = 'E41' THEN 'child_arrangements'
            ELSE 'special_guardianship'
        END,
        care_end, NULL,
        'our_return'
    FROM (SELECT *, CASE WHEN NOT is_no_upn(upn) THEN upn END AS pupil_number FROM child_record)
    WHERE population = 'previously_looked_after' AND academic_year = (SELECT max(academic_year) FROM child_record)

    UNION ALL

    SELECT
        care_status, coalesce(pupil_number, la_child_id) AS identifier, any_value(pupil_number), any_value(la_child_id),
        any_value(dob),
        any_value(rests_on ORDER BY weight DESC, started DESC),
        min(started), CASE WHEN bool_and(ended IS NOT NULL) THEN max(ended) END,
        'our_list'
    FROM (
        SELECT listed.*, coalesce(CASE WHEN NOT is_no_upn(upn) THEN upn END, numbers.pupil_number) AS pupil_number
        FROM listed
        LEFT JOIN numbers USING (la_child_id)
    )
    WHERE started <= getvariable('today') AND coalesce(ended >= getvariable('today'), true)
    GROUP BY care_status, identifier
),
in_our_care AS (
    SELECT la_child_id, upn
    FROM child_record
    WHERE population = 'looked_after' AND care_end IS NULL
        AND academic_year = (SELECT max(academic_year) FROM child_record)
)
SELECT *
FROM told
WHERE identifier IS NOT NULL
    AND NOT EXISTS (FROM in_our_care AS ours WHERE ours.upn = told.upn OR ours.la_child_id = told.la_child_id)
