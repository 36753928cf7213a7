-- One row for each child and return year: the latest period of care, and what happened in the year. Where the child was
-- on its last day in care is told of those alone who were in care on a day of the year.
WITH latest AS (
    SELECT academic_year, child, max(care_period) AS care_period
    FROM care_episodes
    GROUP BY academic_year, child
),
care AS (
    SELECT
        academic_year, child, care_period,
        any_value(year_start) AS year_start,
        any_value(year_end) AS year_end,
        min(decom) AS care_start,
        arg_min(cin, number) AS need,
        arg_max_null(ls, number) AS legal_status,
        arg_max_null(rec, number) AS last_rec,
        -- X1 says that another episode follows, so care goes on even where the next row is missing.
        arg_max_null(CASE WHEN dec <= year_end AND rec IS DISTINCT FROM 'X1' THEN dec END, number) AS care_end,
        arg_max_null(place, number) FILTER (WHERE NOT starts_with(place, 'T')) AS place,
        arg_max_null(place_provider, number) FILTER (WHERE NOT starts_with(place, 'T')) AS place_provider,
        arg_max_null(pl_post, number) FILTER (WHERE NOT starts_with(place, 'T')) AS pl_post,
        arg_max_null(home_post, number) FILTER (WHERE NOT starts_with(place, 'T')) AS home_post
    FROM care_episodes
    JOIN latest USING (academic_year, child, care_period)
    GROUP BY academic_year, child, care_period
),
placements AS (
    SELECT
        academic_year, child,
        count(*) FILTER (WHERE spells.care_period = latest.care_period) AS placements,
        count(*) FILTER (WHERE in_year) AS placements_in_year
    FROM placement_spells AS spells
    JOIN latest USING (academic_year, child)
    GROUP BY academic_year, child
),
moves AS (
    SELECT
        academic_year, child,
        count(*) FILTER (
            WHERE dec BETWEEN year_start AND year_end
            AND is_unplanned(reason_place_change)
        ) AS unplanned_moves_in_year
    FROM care_episodes
    GROUP BY academic_year, child
),
workers AS (
    SELECT r.academic_year, w.child, count(DISTINCT w.sw_id) AS social_workers_in_year
    FROM returns r
    JOIN swepisodes w ON w.academic_year = r.academic_year
    WHERE w.sw_decom <= r.year_end AND (w.sw_dec IS NULL OR w.sw_dec >= r.year_start)
    GROUP BY r.academic_year, w.child
)
SELECT
    care_end IS NULL OR care_end >= care.year_start AS looked_after,
    care.* REPLACE (
        if(looked_after, legal_status, NULL) AS legal_status,
        if(looked_after, place, NULL) AS place,
        if(looked_after, place_provider, NULL) AS place_provider,
        if(looked_after, pl_post, NULL) AS pl_post
    ),
    coalesce(placements, 0) AS placements,
    coalesce(placements_in_year, 0) AS placements_in_year,
    unplanned_moves_in_year,
    CASE WHEN has_social_workers THEN coalesce(social_workers_in_year, 0) END AS social_workers_in_year,
    care_end IS NULL AS at_31_march,
    care_end IS NULL AND care_start <= care.year_start AS in_care_12_months,
    -- The last day of the year counts whole, so that a whole return year is 12 months.
    datesub('month', care_start, coalesce(care_end, care.year_end + 1)) AS months_in_care
FROM care
JOIN returns USING (academic_year)
LEFT JOIN placements USING (academic_year, child)
LEFT JOIN moves USING (academic_year, child)
LEFT JOIN workers USING (academic_year, child)
