-- What became of a child over the whole time that the loaded returns tell of, up to the end of each return year.
--
-- Placements since 11 are those begun on or after the eleventh birthday, whichever period of care they belong to, and
-- missing before that birthday. Social workers are the different people who held the case on a day of the latest
-- period of care, as far back as returns ask; missing where this year's return does not.
WITH placements AS (
    SELECT academic_year, child, count(*) FILTER (WHERE spell_start >= dob + INTERVAL 11 YEAR) AS placements_since_11
    FROM placement_spells
    JOIN identities USING (academic_year, child)
    GROUP BY academic_year, child
),
workers AS (
    SELECT care.academic_year, care.child, count(DISTINCT sw_id) AS social_workers
    FROM care_years AS care
    JOIN swepisodes AS workers ON workers.child = care.child AND workers.academic_year <= care.academic_year
    WHERE sw_decom <= coalesce(care_end, year_end) AND (sw_dec IS NULL OR sw_dec >= care_start)
    GROUP BY care.academic_year, care.child
)
SELECT
    academic_year, child,
    CASE WHEN age_on(dob, care.year_end) >= 11 THEN coalesce(placements_since_11, 0) END AS placements_since_11,
    CASE WHEN has_social_workers THEN coalesce(social_workers, 0) END AS social_workers
FROM care_years AS care
JOIN returns USING (academic_year)
JOIN identities USING (academic_year, child)
LEFT JOIN placements USING (academic_year, child)
LEFT JOIN workers USING (academic_year, child)
