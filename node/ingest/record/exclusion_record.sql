-- Every suspension and permanent exclusion of a child of the record that began in the academic year.
SELECT
    children.*,
    CASE category WHEN 'SUSP' THEN 'suspension' WHEN 'LNCH' THEN 'lunchtime_suspension' WHEN 'PERM' THEN 'permanent' END
        AS exclusion_category,
    coalesce(term_of(startdate), attended_term(term)) AS term,
    startdate >= care_start AND (care_end IS NULL OR startdate < care_end) AS excluded_in_care,
    CASE WHEN category <> 'PERM' THEN sessions / 2 END AS days_lost
FROM begun_exclusions AS begun
JOIN children ON children.academic_year = begun.academic_year AND children.upn = begun.identifier
