-- Every pupil on roll with what is worked out by looking elsewhere: their schooling, their time in this authority's
-- care, their token. In the order of the tokens, and so is all that is written of them.
WITH in_care AS (
    SELECT
        academic_year, upn AS identifier,
        bool_or(in_care_12_months) AS is_12_months,
        bool_or(at_31_march) AS is_at_31_march
    FROM populations
    JOIN identities USING (academic_year, child)
    JOIN care_years USING (academic_year, child)
    WHERE population = 'looked_after'
    GROUP BY academic_year, upn
)
SELECT
    schooling.* EXCLUDE (authority, is_on_roll_here),
    row_token(identifier) AS pupil,
    home.authority AS host_authority,
    home.region AS host_region,
    is_12_months,
    is_at_31_march
FROM schooling
JOIN home USING (academic_year)
LEFT JOIN in_care USING (academic_year, identifier)
WHERE is_on_roll_here
ORDER BY pupil, academic_year
