-- Changes of school of each child since the latest period of care began, transfers that everybody makes apart, up to
-- the end of each academic year. Missing where no registration of the child is known.
SELECT
    care.academic_year, care.child,
    count(moves.identifier) FILTER (WHERE NOT is_transfer) AS school_changes
FROM care_years AS care
JOIN identities USING (academic_year, child)
LEFT JOIN school_moves AS moves
    ON moves.identifier = identities.upn
    AND moves.academic_year <= care.academic_year
    AND moves.moved_on >= care_start
WHERE identities.upn IN (SELECT identifier FROM registrations)
GROUP BY care.academic_year, care.child
