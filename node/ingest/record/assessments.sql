-- Statutory assessments: one row for each pupil, academic year and stage, from GIAP, or else from a transfer file.
--
-- `standard_score` is the place in the fixed reference group that definitions.sql describes. The phonics check and
-- assessments by levels (before 2015/16) have none. Where only the Key Stage 4 file knows a pupil's Key Stage 2 average
-- (KS4_KS2EMSS), that stands for a Key Stage 2 of five years before.
--
-- In a transfer file reading and writing are components of English (subject ENG, component REA or WRI); some systems
-- write them as subjects of their own. A mark (NM) is no scaled score, though it may look like one.
WITH transferred AS (
    SELECT
        academic_year, upn, upper(stage) AS stage,
        left(upper(if(starts_with(upper(subject), 'EN'), component, subject)), 2) AS subject,
        upper(result) AS result, try_cast(result AS INTEGER) AS figure, resulttype = 'NM' AS is_mark
    FROM ctf_results
),
key_stage_1 AS (
    SELECT academic_year, upn, read_outcome, writ_outcome, math_outcome, 1 AS source FROM giap_ks1
    UNION ALL
    SELECT
        academic_year, upn,
        max(result) FILTER (WHERE subject = 'RE'),
        max(result) FILTER (WHERE subject = 'WR'),
        max(result) FILTER (WHERE subject = 'MA'),
        2
    FROM transferred
    WHERE stage = 'KS1' AND (result IN ('GDS', 'EXS') OR is_below_expected(result))
    GROUP BY academic_year, upn
),
key_stage_2 AS (
    SELECT academic_year, upn, readscore, matscore, if(coalesce(eligrwm, true), rwmexp, NULL) AS rwmexp, 1 AS source
    FROM giap_ks2
    UNION ALL
    SELECT
        academic_year, upn,
        max(figure) FILTER (WHERE subject = 'RE'),
        max(figure) FILTER (WHERE subject = 'MA'),
        NULL,
        2
    FROM transferred
    WHERE stage = 'KS2' AND figure BETWEEN 80 AND 120 AND is_mark IS NOT true
    GROUP BY academic_year, upn
),
phonics AS (
    SELECT
        academic_year, phonics_upn AS upn, phonics_phonics_outcome AS outcome, phonics_phonics_mark AS mark, 1 AS source
    FROM giap_phonics
    UNION ALL
    SELECT academic_year, upn, max(result) FILTER (WHERE result IN ('WA', 'WT')), max(figure), 2
    FROM transferred
    WHERE subject = 'PH'
    GROUP BY academic_year, upn
),
told AS (
    SELECT
        academic_year, fsp_upn AS upn, 'eyfsp' AS stage, 1 AS source, fsp_gld AS met_expected,
        development_score(fsp_gld) AS standard_score,
        NULL::DECIMAL(9, 1) AS scaled_score, NULL::DECIMAL(9, 2) AS attainment8, NULL::DECIMAL(9, 2) AS progress8,
        NULL::DECIMAL(9, 2) AS capped_points,
        NULL::BOOLEAN AS engmath_94, NULL::BOOLEAN AS engmath_95, NULL::BOOLEAN AS entered
    FROM giap_eyfsp

    UNION ALL BY NAME

    -- Absent (A) and disapplied (D) pupils have not met the standard, as DfE counts them; those who left (L) are out.
    SELECT
        academic_year, upn, 'phonics' AS stage, source,
        CASE
            WHEN outcome = 'WA' OR (outcome IS NULL AND mark >= 32) THEN true
            WHEN outcome IN ('WT', 'A', 'D') OR (outcome IS NULL AND mark < 32) THEN false
        END AS met_expected
    FROM phonics

    UNION ALL BY NAME

    SELECT
        academic_year, upn, 'ks1' AS stage, source,
        CASE
            WHEN is_below_expected(read_outcome) OR is_below_expected(writ_outcome) OR is_below_expected(math_outcome)
            THEN false
            WHEN read_outcome IN ('EXS', 'GDS') AND writ_outcome IN ('EXS', 'GDS') AND math_outcome IN ('EXS', 'GDS')
            THEN true
        END AS met_expected,
        (key_stage_1_score(read_outcome) + key_stage_1_score(writ_outcome) + key_stage_1_score(math_outcome)) / 3
            AS standard_score
    FROM key_stage_1

    UNION ALL BY NAME

    SELECT
        academic_year, upn, 'ks2' AS stage, source,
        rwmexp AS met_expected,
        (readscore + matscore) / 2 AS scaled_score,
        key_stage_2_score((readscore + matscore) / 2) AS standard_score
    FROM key_stage_2

    UNION ALL BY NAME

    SELECT
        academic_year - 505 AS academic_year, ks4_upn AS upn, 'ks2' AS stage, 3 AS source,
        ks4_ks2emss AS scaled_score, key_stage_2_score(ks4_ks2emss) AS standard_score
    FROM giap_ks4
    WHERE ks4_ks2emss BETWEEN 80 AND 120
        AND ks4_upn NOT IN (SELECT upn FROM key_stage_2 WHERE readscore + matscore IS NOT NULL)

    UNION ALL BY NAME

    SELECT
        academic_year, ks4_upn AS upn, 'ks4' AS stage, 1 AS source,
        ks4_l2basics_94 AS met_expected,
        ks4_att8 AS attainment8, ks4_p8score AS progress8, ks4_ptscnewe_ptq_ee AS capped_points,
        ks4_l2basics_94 AS engmath_94, ks4_l2basics_95 AS engmath_95, ks4_entbasics AS entered,
        key_stage_4_score(ks4_att8) AS standard_score
    FROM giap_ks4
)
SELECT * REPLACE (round(standard_score, 2) AS standard_score)
FROM told
WHERE upn IS NOT NULL AND NOT is_no_upn(upn)
QUALIFY row_number() OVER (PARTITION BY academic_year, upn, stage ORDER BY source) = 1
