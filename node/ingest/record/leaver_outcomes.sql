-- What the authority's own record of care leavers says: the latest row of each child in each return year. Levels are
-- attained by 19 where any row up to that age says so, and not where the row of that age does not.
WITH dated AS (
    SELECT returns.academic_year, outcomes.* EXCLUDE (academic_year, term)
    FROM care_leaver_outcomes AS outcomes
    JOIN returns ON outcomes.date BETWEEN year_start AND year_end
),
latest AS (
    SELECT academic_year, la_child_id AS child, age AS leaver_age, activity, in_touch, accommodation_suitable
    FROM dated
    QUALIFY row_number() OVER (PARTITION BY academic_year, la_child_id ORDER BY date DESC) = 1
),
levels AS (
    SELECT
        la_child_id AS child,
        bool_or(level2) AS level2,
        bool_or(level3) AS level3
    FROM care_leaver_outcomes
    WHERE age <= 19
    GROUP BY la_child_id
)
SELECT
    latest.*,
    CASE WHEN leaver_age = 19 THEN levels.level2 END AS level2_at_19,
    CASE WHEN leaver_age = 19 THEN levels.level3 END AS level3_at_19
FROM latest
LEFT JOIN levels USING (child)
