-- The vault's side of `pupil_year`: which pupil a token stands for, and what this authority, as the host of their school,
-- can tell a home authority of its children. A claim selects by pupil number and date of birth. Names are in the rows as
-- they were loaded, and nowhere else.
SELECT
    pupil, academic_year,
    CASE WHEN NOT is_roll_key(identifier) THEN identifier END AS upn,
    CASE WHEN is_roll_key(identifier) THEN identifier END AS roll_key,
    consistent_identifier,
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
FROM pupils
