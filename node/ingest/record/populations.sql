-- Who is in the record, once for each return year: first of all those looked after at any time in the year, then the
-- care leavers that the return asks about or, after 21, that the authority's own record of care leavers has, then
-- those who left care in an earlier year for a permanent home and are under 18 on the last day of this one.
WITH leavers AS (
    SELECT academic_year, child FROM oc3
    UNION
    SELECT returns.academic_year, la_child_id
    FROM care_leaver_outcomes AS outcomes
    JOIN returns ON outcomes.date BETWEEN year_start AND year_end
),
minors AS (
    SELECT returns.academic_year, child
    FROM returns
    JOIN (SELECT child, arg_max(dob, academic_year) AS dob FROM header GROUP BY child) ON age_on(dob, year_end) < 18
)
SELECT academic_year, child, 'looked_after' AS population
FROM care_years
WHERE looked_after

UNION ALL

SELECT academic_year, child, 'care_leaver'
FROM leavers
WHERE (academic_year, child) NOT IN (SELECT (academic_year, child) FROM care_years WHERE looked_after)

UNION ALL

SELECT academic_year, child, 'previously_looked_after'
FROM care_years
WHERE NOT looked_after
    AND is_permanent_home(last_rec)
    AND (academic_year, child) IN (SELECT (academic_year, child) FROM minors)
    AND (academic_year, child) NOT IN (SELECT (academic_year, child) FROM leavers)
