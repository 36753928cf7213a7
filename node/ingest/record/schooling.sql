-- The education of every pupil on roll here, and of every child of the record wherever educated, by academic year.
--
-- A school is rated by the latest inspection on or before 31 March. Prior attainment is the latest assessment of an
-- earlier academic year that has a standard score.
WITH everyone AS (
    SELECT *, true AS is_on_roll_here FROM enrolled
    UNION ALL BY NAME
    SELECT *, false AS is_on_roll_here FROM elsewhere
)
SELECT
    everyone.* EXCLUDE (told_changes, told_authority),
    coalesce(told_authority, establishments.authority) AS authority,
    school_type, school_phase,
    framework AS ofsted_framework,
    grade AS ofsted_grade,
    school_changes.* EXCLUDE (academic_year, identifier, school_changes_in_year),
    coalesce(school_changes_in_year, told_changes) AS school_changes_in_year,
    outcomes.* EXCLUDE (academic_year, upn, entered, key_stage_4_score),
    attainment_band(prior.stage, prior.standard_score) AS prior_attainment,
    -- Whoever has a Key Stage 2 score sat the tests, and has shown that they can be entered.
    CASE WHEN prior.stage = 'ks2' THEN entered END AS entered_as_capable,
    CASE WHEN prior.stage = 'ks2' THEN key_stage_4_score - prior.standard_score END AS progress_from_ks2
FROM everyone
LEFT JOIN establishments ON establishments.urn = school_urn
LEFT JOIN inspections
    ON inspections.urn = school_urn
    AND inspected <= make_date(everyone.academic_year // 100 + 1, 3, 31)
    AND coalesce(superseded > make_date(everyone.academic_year // 100 + 1, 3, 31), true)
LEFT JOIN school_changes
    ON school_changes.academic_year = everyone.academic_year AND school_changes.identifier = everyone.identifier
LEFT JOIN outcomes ON outcomes.academic_year = everyone.academic_year AND outcomes.upn = everyone.identifier
LEFT JOIN prior_attainment AS prior
    ON prior.academic_year = everyone.academic_year AND prior.identifier = everyone.identifier
