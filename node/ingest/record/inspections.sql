-- The graded inspections of each school that Ofsted's file tells of, each with its framework, area, grade and date.
--
-- Three regimes, never compared with each other: one overall grade for the school until August 2024; no overall grade
-- from September 2024 (the four key judgements alone); from 10 November 2025 a report card, whose area taken here is
-- inclusion. Every grade's name belongs to one framework only.
--
-- Each holds until the school's next.
WITH graded AS (
    SELECT
        urn,
        "inspection start date of latest oeif graded inspection" AS inspected,
        CASE
            WHEN inspected < DATE '2024-09-01' THEN 'overall_effectiveness'
            WHEN inspected < DATE '2025-11-10' THEN 'key_judgements'
        END AS framework,
        if(framework = 'overall_effectiveness', 'overall_effectiveness', NULL) AS area,
        CASE WHEN framework = 'overall_effectiveness' THEN
            CASE "latest oeif overall effectiveness"
                WHEN '1' THEN 'outstanding'
                WHEN '2' THEN 'good'
                WHEN '3' THEN 'requires_improvement'
                WHEN '4' THEN 'inadequate'
            END
        END AS grade
    FROM ofsted
    WHERE framework IS NOT NULL

    UNION ALL

    SELECT
        urn,
        "inspection start date",
        'report_card',
        'inclusion',
        CASE lower(replace(inclusion, '_', ' '))
            WHEN 'exceptional' THEN 'inclusion_exceptional'
            WHEN 'strong standard' THEN 'inclusion_strong_standard'
            WHEN 'expected standard' THEN 'inclusion_expected_standard'
            WHEN 'needs attention' THEN 'inclusion_needs_attention'
            WHEN 'urgent improvement' THEN 'inclusion_urgent_improvement'
        END
    FROM ofsted
    WHERE "inspection start date" >= DATE '2025-11-10' AND inclusion IS NOT NULL
)
SELECT *, lead(inspected) OVER (PARTITION BY urn ORDER BY inspected, framework) AS superseded
FROM graded
