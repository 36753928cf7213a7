-- Every statutory assessment of a child of the record in the academic year in which it was made.
SELECT
    children.*,
    stage AS assessment,
    met_expected,
    assessment_day(academic_year) >= care_start
        AND (care_end IS NULL OR assessment_day(academic_year) < care_end) AS assessed_in_care,
    standard_score, scaled_score, attainment8, progress8
FROM assessments
JOIN children USING (academic_year, upn)
