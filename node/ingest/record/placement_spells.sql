-- Placements: runs of episodes in one place. A change of legal status (RNE L) does not end one; a temporary absence
-- (T0 to T4) is none, and coming back from it to the same place goes on with the old one.
WITH placed AS (
    SELECT *, coalesce(
        lag(starts_with(place, 'T')) OVER (PARTITION BY academic_year, child ORDER BY number), false
    ) AS after_absence
    FROM care_episodes
),
changes AS (
    SELECT
        academic_year, year_start, year_end, child, number, care_period, decom, dec, place, place_provider, pl_post,
        home_post, rec, reason_place_change,
        CASE
            WHEN lag(number) OVER earlier IS NULL THEN true
            WHEN care_period <> lag(care_period) OVER earlier THEN true
            WHEN rne = 'L' THEN false
            WHEN NOT after_absence AND rne IS NOT NULL THEN true
            ELSE (place, pl_post, urn) IS DISTINCT FROM (
                lag(place) OVER earlier, lag(pl_post) OVER earlier, lag(urn) OVER earlier
            )
        END AS is_new
    FROM placed
    WHERE place IS NULL OR NOT starts_with(place, 'T')
    WINDOW earlier AS (PARTITION BY academic_year, child ORDER BY number)
),
numbered AS (
    SELECT *, count(*) FILTER (WHERE is_new) OVER (PARTITION BY academic_year, child ORDER BY number) AS spell
    FROM changes
)
SELECT
    academic_year, child, spell,
    max(care_period) AS care_period,
    min(decom) AS spell_start,
    CASE WHEN count(dec) = count(*) THEN max(dec) END AS spell_end,
    arg_max_null(place, number) AS place,
    arg_max_null(place_provider, number) AS place_provider,
    arg_max_null(pl_post, number) AS pl_post,
    arg_max_null(home_post, number) AS home_post,
    arg_max_null(rec, number) AS last_rec,
    arg_max_null(reason_place_change, number) AS reason_place_change,
    any_value(year_start) AS year_start,
    any_value(year_end) AS year_end,
    bool_or(decom <= year_end AND (dec IS NULL OR dec >= year_start)) AS in_year
FROM numbered
GROUP BY academic_year, child, spell
