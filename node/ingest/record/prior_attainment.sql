-- The latest assessment of each pupil and child from an earlier academic year that has a standard score.
WITH years AS (
    SELECT academic_year, identifier FROM pupil_years
    UNION ALL
    SELECT academic_year, identifier FROM elsewhere
)
SELECT
    years.academic_year, identifier,
    arg_max(stage, assessments.academic_year) AS stage,
    arg_max(standard_score, assessments.academic_year) AS standard_score
FROM years
JOIN assessments ON upn = identifier AND assessments.academic_year < years.academic_year
WHERE standard_score IS NOT NULL AND stage <> 'ks4'
GROUP BY years.academic_year, identifier
