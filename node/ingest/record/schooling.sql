-- The education of every pupil on roll here, and of every child of the record wherever educated, by academic year.
--
-- A school is rated by the latest inspection on or before 31 March. Prior attainment is the latest assessment of an
-- earlier academic year that has a standard score.
WITH pupils AS (
    SELECT *, true AS is_on_roll_here FROM enrolled
    UNION ALL BY NAME
    SELECT *, false AS is_on_roll_here FROM elsewhere
),
scored AS (
    SELECT upn, academic_year AS taken, stage, standard_score
    FROM assessments
    WHERE standard_score IS NOT NULL AND stage <> 'ks4'
),
inspected AS (
    SELECT
        pupils.* EXCLUDE (told_changes, told_authority),
        told_changes,
        coalesce(told_authority, establishments.authority) AS authority,
        school_type, school_phase,
        framework AS ofsted_framework,
        grade AS ofsted_grade
    FROM pupils
    LEFT JOIN establishments ON establishments.urn = school_urn
    ASOF LEFT JOIN inspections
        ON inspections.urn = school_urn AND make_date(academic_year // 100 + 1, 3, 31) >= inspections.inspected
)
SELECT
    inspected.* EXCLUDE (told_changes),
    school_changes.* EXCLUDE (academic_year, identifier, school_changes_in_year),
    coalesce(school_changes_in_year, told_changes) AS school_changes_in_year,
    outcomes.* EXCLUDE (academic_year, upn, entered, key_stage_4_score),
    attainment_band(scored.stage, scored.standard_score) AS prior_attainment,
    -- Whoever has a Key Stage 2 score sat the tests, and has shown that they can be entered.
    CASE WHEN scored.stage = 'ks2' THEN entered END AS entered_as_capable,
    CASE WHEN scored.stage = 'ks2' THEN key_stage_4_score - scored.standard_score END AS progress_from_ks2
FROM inspected
LEFT JOIN school_changes USING (academic_year, identifier)
LEFT JOIN outcomes ON outcomes.upn = inspected.identifier AND outcomes.academic_year = inspected.academic_year
ASOF LEFT JOIN scored ON scored.upn = inspected.identifier AND inspected.academic_year > scored.taken
