-- Every change of school of a child of the record in the academic year.
SELECT
    children.*,
    moves.year_group,
    CASE WHEN is_within_year THEN 'in_year' WHEN is_transfer THEN 'transfer' ELSE 'between_years' END AS move_timing,
    term_of(moved_on) AS term,
    is_managed AS managed_move,
    moved_on >= care_start AND (care_end IS NULL OR moved_on < care_end) AS moved_in_care,
    left_school.school_type AS school_type_left,
    joined_school.school_type AS school_type_joined
FROM school_moves AS moves
JOIN children ON children.academic_year = moves.academic_year AND children.upn = moves.identifier
LEFT JOIN establishments AS left_school ON left_school.urn = left_urn
LEFT JOIN establishments AS joined_school ON joined_school.urn = joined_urn
