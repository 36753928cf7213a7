-- Every pupil on roll, with everything that `pupil_year` and the vault say of them.
SELECT
    *,
    term_of_birth(dob) AS birth_term,
    major_ethnicity(ethnicity) AS ethnicity_major,
    age_on(dob, make_date(academic_year // 100 + 1, 3, 31)) AS age,
    year_group_on(dob, make_date(academic_year // 100, 9, 1)) AS years_since_reception,
    CASE WHEN years_since_reception BETWEEN 0 AND 14 THEN years_since_reception END AS year_group,
    key_stage_of(years_since_reception) AS key_stage,
    CASE
        WHEN is_12_months THEN 'cla_12_months_at_31_march'
        WHEN is_at_31_march THEN 'cla_less_than_12_months_at_31_march'
        WHEN NOT is_at_31_march THEN 'cla_at_any_point'
        WHEN plaa = 'A' THEN 'plaa_adoption'
        WHEN plaa = 'G' THEN 'plaa_sgo'
        WHEN plaa IN ('R', 'C') THEN 'plaa_cao'
        ELSE 'not_known'
    END AS social_care_group,
    plaa IN ('A', 'G', 'R', 'C') AS previously_looked_after
FROM pupils
