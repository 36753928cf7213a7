-- Where each child stood when the latest period of care began, and how far they have come since.
--
-- At entry: the latest assessment with a standard score made before the day care began. Progress is the standard score
-- of the assessment of this academic year less that one, and missing in years without an assessment, so that a child
-- has one figure for each key stage ended in care.
SELECT
    care.academic_year, care.child,
    attainment_band(scored.stage, scored.standard_score) AS attainment_at_entry,
    CASE WHEN assessment_day(care.academic_year) >= care_start THEN outcomes.standard_score - scored.standard_score END
        AS progress_from_entry
FROM care_years AS care
JOIN identities USING (academic_year, child)
LEFT JOIN outcomes ON outcomes.upn = identities.upn AND outcomes.academic_year = care.academic_year
ASOF LEFT JOIN (
    SELECT upn, stage, standard_score, assessment_day(academic_year) AS taken
    FROM assessments
    WHERE standard_score IS NOT NULL
) AS scored ON scored.upn = identities.upn AND care_start > scored.taken
