-- What is known of the children of the record who are on no roll here, in each academic year: what the host authority
-- of their school has told, and where it has told nothing, what GIAP's download of the census says of the latest term.
-- Children of whom neither says anything have a row all the same.
WITH away AS (
    SELECT DISTINCT academic_year, upn
    FROM identities
    ANTI JOIN entries
        ON entries.academic_year = identities.academic_year AND entries.identifier = identities.upn
    WHERE upn IS NOT NULL AND NOT is_no_upn(upn)
),
latest AS (
    SELECT *
    FROM giap_census
    QUALIFY row_number() OVER (
        PARTITION BY academic_year, upn
        ORDER BY term_number(term) DESC, (enrolstatus IS DISTINCT FROM 'S') DESC, entrydate DESC NULLS LAST, urn
    ) = 1
)
SELECT
    away.academic_year, away.upn AS identifier,
    told.host_authority AS told_authority,
    coalesce(told.school_urn, latest.urn) AS school_urn,
    coalesce(told.sen_provision, sen_provision_of(senprovision)) AS sen_provision,
    coalesce(told.sen_primary_need, CASE WHEN senprovision <> 'N' THEN primaryseneedstype END) AS sen_primary_need,
    told.sen_unit_or_resourced,
    coalesce(told.fsm_status, CASE WHEN fsmeligible THEN 'eligible' WHEN NOT fsmeligible THEN 'not_eligible' END)
        AS fsm_status,
    national_meals.ever_eligible AS fsm_ever_6,
    told.suspensions, told.suspension_days, told.permanently_excluded,
    told.attendance_rate, told.sessions_missed_unauthorised_rate, told.persistent_absentee, told.severe_absentee,
    told.days_out_of_learning,
    coalesce(told.english_additional_language, is_other_language(language)) AS english_additional_language,
    told.school_changes_in_year AS told_changes
FROM away
LEFT JOIN host_facts AS told ON told.academic_year = away.academic_year AND told.identifier = away.upn
LEFT JOIN national_meals ON national_meals.academic_year = away.academic_year AND national_meals.upn = away.upn
LEFT JOIN latest ON latest.academic_year = away.academic_year AND latest.upn = away.upn
