-- The vault's side of `child_year`: which child a token stands for, and what a lookup needs to find them.
SELECT
    child, academic_year, la_child_id, upn, dob, host_authority, placement_authority, school_urn, care_start,
    care_end, placement_type, legal_status
FROM child_record
ORDER BY child, academic_year
