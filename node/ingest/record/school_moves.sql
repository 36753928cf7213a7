-- Changes of school among main registrations, in the order of terms and entry dates. A change shows only where two
-- terms can be compared.
WITH changes AS (
    SELECT academic_year, identifier, nativeid <> lag(nativeid) OVER (
        PARTITION BY academic_year, identifier
        ORDER BY term_number, entrydate NULLS FIRST, nativeid
    ) AS is_change
    FROM roll
    WHERE is_main
),
comparable AS (
    SELECT academic_year FROM censuses GROUP BY academic_year HAVING count(*) > 1
)
SELECT academic_year, identifier, count(*) FILTER (WHERE is_change) AS school_changes_in_year
FROM changes
JOIN comparable USING (academic_year)
GROUP BY academic_year, identifier
