-- Children in nobody's care to whom a virtual school head's duty goes with the area of their school: one row for each child
-- and status, as of the newest rolls. Who may read them, the access policy says. They have no home authority, and of their
-- care nothing is here but what the status rests on. The school is that of our own roll, or else of the national download of
-- the census; whoever is in neither has no known host, and is read by nobody.
WITH statuses AS (
    SELECT
        care_status, identifier,
        any_value(upn) AS upn,
        any_value(la_child_id) AS la_child_id,
        any_value(dob) AS dob,
        any_value(rests_on ORDER BY told_by DESC) AS rests_on,
        any_value(since) AS since,
        any_value(until) AS until,
        string_agg(DISTINCT told_by, ', ' ORDER BY told_by) AS told_by
    FROM statuses_told
    GROUP BY care_status, identifier
),
newest AS (
    SELECT max(academic_year) AS academic_year
    FROM (SELECT academic_year FROM pupils UNION ALL SELECT academic_year FROM returns)
),
on_roll AS (
    FROM pupils WHERE academic_year = (SELECT academic_year FROM newest)
),
-- By the download that the department made last.
downloaded AS (
    SELECT upn, urn, establishments.authority, ncyearactual, sen_provision_of(senprovision) AS sen_provision
    FROM giap_census
    JOIN establishments USING (urn)
    WHERE academic_year = (SELECT academic_year FROM newest)
    QUALIFY row_number() OVER (
        PARTITION BY upn
        ORDER BY term_number(term) DESC, (enrolstatus IS DISTINCT FROM 'S') DESC, entrydate DESC NULLS LAST, urn
    ) = 1
)
SELECT
    row_token(identifier) AS child,
    (SELECT academic_year FROM newest) AS academic_year,
    care_status, identifier, statuses.la_child_id, statuses.upn,
    coalesce(on_roll.dob, statuses.dob) AS dob,
    CASE WHEN on_roll.pupil IS NOT NULL THEN getvariable('authority') ELSE downloaded.authority END AS host_authority,
    coalesce(on_roll.school_urn, downloaded.urn) AS school_urn,
    coalesce(on_roll.ncyearactual, downloaded.ncyearactual) AS year_group,
    on_roll.attendance_rate, on_roll.suspensions,
    coalesce(on_roll.sen_provision, downloaded.sen_provision) AS sen_provision,
    rests_on, since, until, told_by
FROM statuses
LEFT JOIN on_roll USING (identifier)
LEFT JOIN downloaded ON downloaded.upn = statuses.upn
ORDER BY care_status, child
