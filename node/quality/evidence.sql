-- What the returns check looks at: what schools returned, set beside what the authority knows.
--
-- Every view that a rule can be about has the columns by which a finding is located: `held`, the file in which the node
-- keeps the row, and `kept_row`, its number there; the academic year and term; `la_child_id` where the row is about a child
-- of this authority; `school`, as the return names it.

-- What the authority knows.

-- Its children by unique pupil number. Two children with one number are another rule's matter.
CREATE VIEW known AS
SELECT *
FROM children
WHERE upn IS NOT NULL AND NOT is_no_upn(upn)
QUALIFY row_number() OVER (PARTITION BY academic_year, upn ORDER BY la_child_id) = 1;

-- Every child of its return.
CREATE VIEW cared_for AS
SELECT
    header.held, header.kept_row, header.academic_year, NULL::VARCHAR AS census_term, header.child AS la_child_id,
    NULL::VARCHAR AS school, header.upn, header.dob, children.care_start, children.care_end,
    children.placement_authority
FROM header
LEFT JOIN children ON children.la_child_id = header.child AND children.academic_year = header.academic_year;

-- When each child left care for good, and why; X1 and E3 are no end.
CREATE VIEW departures AS
SELECT academic_year, child AS la_child_id, max(dec) AS departed_on, arg_max(rec, dec) AS reason
FROM episodes
WHERE dec IS NOT NULL AND rec NOT IN ('X1', 'E3')
GROUP BY academic_year, child;

-- Whom each row of the virtual school's own records is about.
CREATE VIEW requests AS
SELECT
    admissions.held, admissions.kept_row, admissions.academic_year, NULL::VARCHAR AS census_term,
    coalesce(admissions.la_child_id, known.la_child_id) AS la_child_id, admissions.school_urn::VARCHAR AS school,
    coalesce(admissions.upn, children.upn) AS upn, admissions.school_urn, request_date, on_roll_date
FROM admissions
LEFT JOIN known ON known.upn = admissions.upn AND known.academic_year = admissions.academic_year
LEFT JOIN children
    ON children.la_child_id = admissions.la_child_id AND children.academic_year = admissions.academic_year;

CREATE VIEW daily_record AS
SELECT
    daily.academic_year, term_of(date) AS term, coalesce(daily.upn, children.upn) AS upn,
    count(*) FILTER (WHERE NOT is_impossible_session(code)) AS possible,
    count(*) FILTER (WHERE is_authorised_absence(code) OR is_unauthorised_absence(code)) AS missed
FROM (
    SELECT DISTINCT academic_year, upn, la_child_id, date, session, code
    FROM attendance_daily
) AS daily
LEFT JOIN children ON children.la_child_id = daily.la_child_id AND children.academic_year = daily.academic_year
WHERE code IS NOT NULL
GROUP BY ALL;

-- What the GIAP download of the census says, by term.
CREATE VIEW national AS
SELECT academic_year, census_term, upn, urn AS school_urn, senprovision, enrolstatus
FROM giap_census;

CREATE VIEW key_stage_2_results AS
SELECT
    giap_ks2.held, giap_ks2.kept_row, academic_year, NULL::VARCHAR AS census_term, known.la_child_id,
    urn::VARCHAR AS school, cla_12_months, known.care_start, known.care_end,
    make_date(academic_year // 100 + 1, 3, 31) AS year_end
FROM giap_ks2
JOIN known USING (academic_year, upn);

-- Who the department has pupil premium for, and whether as a child looked after, by financial year.
CREATE VIEW premiums AS
SELECT
    premium.held, premium.kept_row, academic_year, NULL::VARCHAR AS census_term, known.la_child_id,
    NULL::VARCHAR AS school, lookedafterpremium AS looked_after_premium, known.dob, known.care_start, known.care_end,
    pupilpremiumfystartdate AS premium_start,
    coalesce(pupilpremiumfyenddate, (premium_start + INTERVAL 1 YEAR)::DATE - 1) AS premium_end
FROM giap_pupil_premium AS premium
JOIN known USING (academic_year, upn);

CREATE VIEW schools AS
SELECT nativeid, any_value(urn ORDER BY academic_year DESC, term_number(census_term) DESC) AS urn
FROM schoolcensus
WHERE nativeid IS NOT NULL
GROUP BY nativeid;

CREATE VIEW establishments AS
SELECT urn, arg_max(opendate, academic_year) AS opened
FROM gias
GROUP BY urn;

-- What schools returned. What a census says of attendance is of the term before its own; a host tells of the terms of the
-- year before its own, all together.

CREATE VIEW censuses AS
SELECT
    academic_year, census_term, coalesce(max(referencedate), usual_census_day(academic_year, census_term)) AS census_day
FROM (SELECT DISTINCT academic_year, census_term FROM pupilonroll)
LEFT JOIN schoolcensus USING (academic_year, census_term)
GROUP BY academic_year, census_term;

CREATE VIEW sessions_missed AS
SELECT
    academic_year, census_term, pupilonrolltableid,
    sum(sessions) FILTER (WHERE is_authorised_absence(attendancereason) OR is_unauthorised_absence(attendancereason))
        AS missed
FROM termlysessiondetailsonroll
GROUP BY ALL;

CREATE TABLE rolls AS
SELECT
    roll.held, roll.kept_row, academic_year, census_term, term_number(census_term) AS term_number, census_day,
    pupilonrolltableid, nativeid AS school,
    coalesce(schools.urn, CASE WHEN regexp_full_match(nativeid, '[1-9][0-9]{5}') THEN nativeid::INTEGER END) AS school_urn,
    upn, surname, forename, dob, entrydate AS entry_date, enrolstatus IS DISTINCT FROM 'S' AS is_main,
    ncyearactual AS year_group, sen_provision_of(senprovision) AS sen_provision, plaa,
    termlysessionspossible AS possible, coalesce(missed, 0) AS missed,
    attended_year(academic_year, census_term) AS attended_year,
    term_number(attended_term(census_term)) AS first_attended, first_attended AS last_attended,
    term_start(attended_year, attended_term(census_term)) AS attended_from
FROM pupilonroll AS roll
JOIN censuses USING (academic_year, census_term)
LEFT JOIN sessions_missed USING (academic_year, census_term, pupilonrolltableid)
LEFT JOIN schools USING (nativeid);

-- The rows of our own rolls and what hosts told, in the same columns.
CREATE TABLE returned AS
WITH told AS (
    SELECT
        held, kept_row, academic_year, split_part(term, '-', 2) AS census_term, term_number(census_term) AS term_number,
        usual_census_day(academic_year, census_term) AS census_day, school_urn::VARCHAR AS school, school_urn, upn,
        date_of_birth AS dob, entry_date, true AS is_main, year_group, sen_provision, sessions_possible AS possible,
        coalesce(sessions_missed_authorised, 0) + coalesce(sessions_missed_unauthorised, 0) AS missed,
        academic_year AS attended_year, 1 AS first_attended, term_number - 1 AS last_attended,
        false AS is_own_roll
    FROM told_by_hosts
),
everything AS (
    SELECT *, true AS is_own_roll FROM rolls
    UNION ALL BY NAME
    SELECT * FROM told
)
SELECT
    everything.*, known.la_child_id, known.dob AS known_dob, known.care_start, known.care_end,
    known.placement_authority,
    coalesce(care_start <= census_day AND (care_end IS NULL OR care_end > census_day), false) AS is_in_care
FROM everything
LEFT JOIN known USING (academic_year, upn);

CREATE VIEW meal_periods AS
SELECT
    fsmperiod.held, fsmperiod.kept_row, academic_year, census_term, returned.la_child_id, returned.school,
    fsmstartdate, fsmenddate, census_day, is_in_care, care_start
FROM fsmperiod
JOIN returned USING (academic_year, census_term, pupilonrolltableid);

CREATE VIEW excluded AS
SELECT
    termlyexclusionsonroll.held, termlyexclusionsonroll.kept_row, academic_year, census_term, returned.la_child_id,
    returned.school, startdate, category, census_day, is_main,
    sum(sessions) FILTER (WHERE category = 'SUSP') OVER (
        PARTITION BY academic_year, census_term, pupilonrolltableid
    ) AS suspended_sessions
FROM termlyexclusionsonroll
JOIN returned USING (academic_year, census_term, pupilonrolltableid);

-- Every child of this authority's return who is of compulsory school age and in care on a census day.
CREATE VIEW expected AS
SELECT
    cared_for.* EXCLUDE (census_term), censuses.census_term, census_day,
    year_group_on(dob, census_day) BETWEEN 1 AND 11 AS is_of_school_age,
    coalesce(care_start <= census_day AND (care_end IS NULL OR care_end > census_day), false) AS is_in_care
FROM cared_for
JOIN censuses USING (academic_year);
