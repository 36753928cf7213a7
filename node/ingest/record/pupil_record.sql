-- Every pupil on roll, with everything that `pupil_year` and the vault say of them.
WITH in_care AS (
    SELECT DISTINCT academic_year, upn AS identifier, true AS is_in_care
    FROM populations
    JOIN header USING (academic_year, child)
    WHERE population = 'looked_after'
),
reported AS (
    SELECT academic_year, bool_or(has_exclusions) AS has_exclusions
    FROM censuses
    GROUP BY academic_year
),
schools AS (
    SELECT nativeid, any_value(urn ORDER BY academic_year DESC, term_number(term) DESC) AS urn
    FROM schoolcensus
    WHERE nativeid IS NOT NULL
    GROUP BY nativeid
)
SELECT
    row_token(identifier) AS pupil,
    academic_year, identifier, upn, surname, forename, dob, nativeid,
    coalesce(schools.urn, CASE WHEN regexp_full_match(nativeid, '[1-9][0-9]{5}') THEN nativeid::INTEGER END) AS school_urn,
    sex,
    term_of_birth(dob) AS birth_term,
    major_ethnicity(ethnicity) AS ethnicity_major,
    age_on(dob, make_date(academic_year // 100 + 1, 3, 31)) AS age,
    year_group_on(dob, make_date(academic_year // 100, 9, 1)) AS years_since_reception,
    CASE WHEN years_since_reception BETWEEN 0 AND 14 THEN years_since_reception END AS year_group,
    key_stage_of(years_since_reception) AS key_stage,
    getvariable('authority') AS host_authority,
    getvariable('region') AS host_region,
    if(is_in_care, 'children_looked_after', 'not_known') AS social_care_group,
    plaa IN ('A', 'G', 'R', 'C') AS previously_looked_after,
    school_changes_in_year,
    CASE senprovision WHEN 'N' THEN 'none' WHEN 'K' THEN 'sen_support' WHEN 'E' THEN 'ehc_plan' END AS sen_provision,
    CASE WHEN senprovision <> 'N' THEN sentype END AS sen_primary_need,
    senunitindicator OR resourcedprovisionindicator AS sen_unit_or_resourced,
    CASE WHEN eligible THEN 'eligible' WHEN NOT eligible THEN 'not_eligible' END AS fsm_status,
    CASE WHEN has_exclusions THEN coalesce(suspensions, 0) END AS suspensions,
    CASE WHEN has_exclusions THEN coalesce(suspension_days, 0) END AS suspension_days,
    CASE WHEN has_exclusions THEN coalesce(permanently_excluded, false) END AS permanently_excluded,
    1 - (authorised + unauthorised) / possible AS attendance_rate,
    unauthorised / possible AS sessions_missed_unauthorised_rate,
    10 * (authorised + unauthorised) >= possible AS persistent_absentee,
    2 * (authorised + unauthorised) >= possible AS severe_absentee,
    -- REF, NOT and ZZZ: refused, not obtained, not yet known.
    CASE WHEN upper(language) NOT IN ('REF', 'NOT', 'ZZZ') THEN upper(language) NOT IN ('ENG', 'ENB') END
        AS english_additional_language
FROM pupil_years
JOIN reported USING (academic_year)
LEFT JOIN in_care USING (academic_year, identifier)
LEFT JOIN absence USING (academic_year, identifier)
LEFT JOIN exclusions USING (academic_year, identifier)
LEFT JOIN school_moves USING (academic_year, identifier)
LEFT JOIN sen_needs USING (academic_year, identifier)
LEFT JOIN meals USING (academic_year, identifier)
LEFT JOIN schools USING (nativeid)
