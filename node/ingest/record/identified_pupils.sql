-- The vault's side of `pupil_year`: which pupil a token stands for, and where they go to school.
SELECT
    pupil, academic_year, upn, consistent_identifier, surname, forename, dob,
    coalesce(school_urn::VARCHAR, nativeid) AS school, year_group
FROM pupil_record
