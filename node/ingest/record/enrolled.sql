-- What this authority's own censuses say of each pupil on roll in each academic year.
WITH reported AS (
    SELECT academic_year, bool_or(has_exclusions) AS has_exclusions
    FROM censuses
    GROUP BY academic_year
)
SELECT
    pupil_years.academic_year, identifier, consistent_identifier, dob, sex, ethnicity, ncyearactual, entrydate,
    coalesce(schools.urn, CASE WHEN regexp_full_match(nativeid, '[1-9][0-9]{5}') THEN nativeid::INTEGER END) AS school_urn,
    plaa,
    sen_provision_of(senprovision) AS sen_provision,
    CASE WHEN senprovision <> 'N' THEN sentype END AS sen_primary_need,
    senunitindicator OR resourcedprovisionindicator AS sen_unit_or_resourced,
    CASE WHEN eligible THEN 'eligible' WHEN NOT eligible THEN 'not_eligible' END AS fsm_status,
    coalesce(national_meals.ever_eligible, meals.ever_eligible) AS fsm_ever_6,
    CASE WHEN has_exclusions THEN coalesce(suspensions, 0) END AS suspensions,
    CASE WHEN has_exclusions THEN coalesce(suspension_days, 0) END AS suspension_days,
    CASE WHEN has_exclusions THEN coalesce(permanently_excluded, false) END AS permanently_excluded,
    possible, authorised, unauthorised,
    1 - (authorised + unauthorised) / possible AS attendance_rate,
    unauthorised / possible AS sessions_missed_unauthorised_rate,
    10 * (authorised + unauthorised) >= possible AS persistent_absentee,
    2 * (authorised + unauthorised) >= possible AS severe_absentee,
    (authorised + unauthorised) / 2 AS days_out_of_learning,
    is_other_language(language) AS english_additional_language
FROM pupil_years
JOIN reported ON reported.academic_year = pupil_years.academic_year
LEFT JOIN absence USING (pupil_year)
LEFT JOIN exclusions USING (pupil_year)
LEFT JOIN sen_needs USING (pupil_year)
LEFT JOIN meals USING (pupil_year)
LEFT JOIN national_meals
    ON national_meals.academic_year = pupil_years.academic_year AND national_meals.upn = pupil_years.identifier
LEFT JOIN schools USING (nativeid)
