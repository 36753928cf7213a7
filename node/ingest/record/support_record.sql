-- Every piece of support recorded for a child of the record, in the academic year in which it began.
WITH given AS (
    SELECT
        academic_year, child AS la_child_id,
        lower(replace(kind, ' ', '_')) AS kind, lower(replace(target_subject, ' ', '_')) AS subject,
        start_date, end_date, cost
    FROM told_support
)
SELECT
    children.*,
    CASE WHEN kind IN (
        'tuition', 'mentoring', 'speech_and_language', 'therapy', 'equipment', 'enrichment', 'transport', 'staffing'
    ) THEN kind ELSE 'other' END AS support_kind,
    CASE WHEN subject IN (
        'reading', 'writing', 'english', 'mathematics', 'science', 'attendance', 'social_and_emotional'
    ) THEN subject WHEN subject IS NOT NULL THEN 'other' END AS target_subject,
    end_date IS NOT NULL AND end_date <= getvariable('today') AS support_ended,
    cost,
    CASE WHEN end_date >= start_date THEN datesub('day', start_date, end_date) + 1 END AS days_of_support
FROM given
JOIN children USING (academic_year, la_child_id)
