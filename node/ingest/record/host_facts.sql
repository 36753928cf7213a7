-- What host authorities have told of this authority's children in each academic year, in the columns of `enrolled`: of
-- several tellings of a child, the latest.
WITH latest AS (
    SELECT *, nullif(sessions_possible, 0) AS possible,
        sessions_missed_authorised + sessions_missed_unauthorised AS missed
    FROM told_by_hosts
    QUALIFY row_number() OVER (PARTITION BY academic_year, upn ORDER BY as_of DESC, host_authority) = 1
)
SELECT
    academic_year,
    upn AS identifier,
    host_authority, school_urn, school_changes_in_year,
    sen_provision, sen_primary_need, sen_unit_or_resourced, fsm_status,
    suspensions, suspension_days, permanently_excluded,
    1 - missed / possible AS attendance_rate,
    sessions_missed_unauthorised / possible AS sessions_missed_unauthorised_rate,
    10 * missed >= possible AS persistent_absentee,
    2 * missed >= possible AS severe_absentee,
    missed / 2 AS days_out_of_learning,
    english_additional_language
FROM latest
