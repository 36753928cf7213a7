-- The vault's side of `child_year`: which child a token stands for, and what a lookup needs to find them. The consistent
-- identifier of the Act of 2026 has its place beside the unique pupil number; nothing is matched by it yet.
SELECT
    child, academic_year, la_child_id, upn, consistent_identifier, dob, host_authority, placement_authority, school_urn, care_start,
    care_end, placement_type, legal_status
FROM child_record
ORDER BY child, academic_year
