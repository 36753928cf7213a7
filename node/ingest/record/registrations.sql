-- Every main registration of a pupil at a school in a term: from this authority's own censuses, and, for the pupils
-- that they do not have in that term, from the GIAP download of the census.
SELECT
    academic_year, term_number, identifier, dob, entrydate,
    coalesce(schools.urn, CASE WHEN regexp_full_match(nativeid, '[1-9][0-9]{5}') THEN nativeid::INTEGER END) AS urn,
    nativeid AS school,
    -- The school is one where the pupil was a guest before: see school_changes.sql.
    (identifier, nativeid) IN (SELECT (identifier, nativeid) FROM entries WHERE NOT is_main) AS was_guest
FROM entries
LEFT JOIN schools USING (nativeid)
WHERE is_main

UNION ALL

SELECT academic_year, term_number(term), upn, dob, entrydate, urn, urn::VARCHAR, false
FROM giap_census
WHERE enrolstatus IS DISTINCT FROM 'S'
    AND urn IS NOT NULL
    AND (academic_year, term_number(term), upn) NOT IN (SELECT (academic_year, term_number, identifier) FROM entries)
