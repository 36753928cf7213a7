-- Who is in the record, once for each return year: first of all those looked after at any time in the year, then the
-- care leavers that the return asks about or, after 21, that the authority's own record of care leavers has, then
-- those who left care in an earlier year for a permanent home.
WITH leavers AS (
    SELECT academic_year, child FROM oc3
    UNION
    SELECT returns.academic_year, la_child_id
    FROM care_leaver_outcomes AS outcomes
    JOIN returns ON outcomes.date BETWEEN year_start AND year_end
)
SELECT academic_year, child, 'looked_after' AS population
FROM care_years
WHERE looked_after

UNION ALL

SELECT academic_year, child, 'care_leaver'
FROM leavers
WHERE (academic_year, child) NOT IN (SELECT (academic_year, child) FROM care_years WHERE looked_after)

UNION ALL

-- Adoption, child arrangements order, special guardianship (E43 and E44 before 2015).
SELECT academic_year, child, 'previously_looked_after'
FROM care_years
WHERE NOT looked_after
    AND last_rec IN ('E11', 'E12', 'E41', 'E43', 'E44', 'E45', 'E46', 'E47', 'E48')
    AND (academic_year, child) NOT IN (SELECT (academic_year, child) FROM leavers)
