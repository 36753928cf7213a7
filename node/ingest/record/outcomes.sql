-- The results of each pupil and academic year in one row: what was taken in that year, and nothing of other years.
SELECT
    academic_year, upn,
    bool_or(met_expected) FILTER (WHERE stage = 'eyfsp') AS good_level_of_development,
    bool_or(met_expected) FILTER (WHERE stage = 'phonics') AS phonics_met,
    bool_or(met_expected) FILTER (WHERE stage = 'ks1') AS ks1_expected,
    bool_or(met_expected) FILTER (WHERE stage = 'ks2') AS ks2_rwm_expected,
    max(scaled_score) FILTER (WHERE stage = 'ks2') AS ks2_scaled_score,
    max(attainment8) AS attainment8,
    max(capped_points) AS capped_points,
    bool_or(engmath_94) AS engmath_94,
    bool_or(engmath_95) AS engmath_95,
    bool_or(entered) AS entered,
    -- The end of the latest stage, where there are two in one year.
    arg_max(standard_score, stage) FILTER (WHERE standard_score IS NOT NULL) AS standard_score,
    max(standard_score) FILTER (WHERE stage = 'ks4') AS key_stage_4_score
FROM assessments
GROUP BY academic_year, upn
