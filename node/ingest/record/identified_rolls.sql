-- The vault's side of a claim: what this authority, as the host of their school, can tell a home authority of its
-- children. Every pupil on roll with a number and a date of birth is here; a claim selects by both.
SELECT
    pupil, academic_year, upn,
    dob AS date_of_birth,
    CASE WHEN school_urn BETWEEN 1 AND 9999999 THEN school_urn END AS school_urn,
    ncyearactual AS year_group,
    entrydate AS entry_date,
    sen_provision, sen_primary_need, sen_unit_or_resourced, fsm_status, english_additional_language,
    school_changes_in_year,
    possible::INTEGER AS sessions_possible,
    authorised::DOUBLE AS sessions_missed_authorised,
    unauthorised::DOUBLE AS sessions_missed_unauthorised,
    suspensions,
    suspension_days::DOUBLE AS suspension_days,
    permanently_excluded
FROM pupil_record
WHERE is_upn(upn) AND dob IS NOT NULL
