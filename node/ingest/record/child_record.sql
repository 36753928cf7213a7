-- Every child of the record, with everything that `child_year` and the vault say of them.
--
-- The host authority is that of the school: this authority's where the child is on a roll it collects, then the one
-- that has told of the child, then by the register of establishments; otherwise it is taken to be the one where the
-- child is placed. It is always one of today's authorities, so that a series keeps to one map. Whether school and
-- placement are in the home authority's area is asked on the map of the year.
WITH people AS (
    SELECT
        populations.*, returns.year_start, returns.year_end, returns.has_uasc,
        home.authority AS home_authority, home.region AS home_region,
        identities.upn, identities.consistent_identifier, identities.sex, identities.ethnic, identities.dob,
        uasc.child IS NOT NULL AND (uasc.duc IS NULL OR uasc.duc >= returns.year_start) AS is_uasc,
        oc2.sdq_score, oc2.sdq_reason, oc2.child IS NOT NULL AS has_oc2,
        oc3.in_touch, oc3.activ, oc3.accom,
        -- Where the area of a former authority was split, only the children known here since are this authority's.
        NOT home.is_split
            OR populations.child IN (FROM header JOIN home AS later USING (academic_year) SELECT child WHERE NOT is_split)
            AS is_ours
    FROM populations
    JOIN returns USING (academic_year)
    JOIN home USING (academic_year)
    JOIN identities USING (academic_year, child)
    LEFT JOIN uasc USING (academic_year, child)
    LEFT JOIN oc2 USING (academic_year, child)
    LEFT JOIN oc3 USING (academic_year, child)
),
-- Those on roll here have been worked out.
schooled AS (
    SELECT
        * EXCLUDE (pupil, host_authority, host_region, is_12_months, is_at_31_march),
        true AS is_on_roll_here
    FROM pupils
    UNION ALL BY NAME
    FROM schooling WHERE NOT is_on_roll_here
),
located AS (
    SELECT
        people.*, care.* EXCLUDE (academic_year, child, year_start, year_end),
        care_history.* EXCLUDE (academic_year, child),
        changes_in_care.* EXCLUDE (academic_year, child),
        attainment_at_entry.* EXCLUDE (academic_year, child),
        destinations.* EXCLUDE (academic_year, child),
        plans.* EXCLUDE (academic_year, child),
        leavers.* EXCLUDE (academic_year, child, in_touch, accommodation_suitable),
        leavers.in_touch AS leaver_in_touch,
        leavers.accommodation_suitable AS leaver_accommodation_suitable,
        pupil.* EXCLUDE (
            academic_year, identifier, consistent_identifier, dob, sex, ethnicity, authority, attendance_rate,
            sessions_missed_unauthorised_rate, persistent_absentee, severe_absentee, days_out_of_learning
        ),
        -- The daily record fills in where the census says nothing.
        coalesce(pupil.attendance_rate, fed.attendance_rate) AS attendance_rate,
        coalesce(pupil.sessions_missed_unauthorised_rate, fed.sessions_missed_unauthorised_rate)
            AS sessions_missed_unauthorised_rate,
        coalesce(pupil.persistent_absentee, fed.persistent_absentee) AS persistent_absentee,
        coalesce(pupil.severe_absentee, fed.severe_absentee) AS severe_absentee,
        coalesce(pupil.days_out_of_learning, fed.days_out_of_learning) AS days_out_of_learning,
        postcode_area.authority AS placement_authority,
        miles_between(
            postcode_area.easting, postcode_area.northing, home_area.easting, home_area.northing
        ) AS placement_distance,
        CASE
            WHEN is_on_roll_here THEN getvariable('authority')
            ELSE coalesce(pupil.authority, placement_authority)
        END AS host_authority
    FROM people
    LEFT JOIN care_years AS care USING (academic_year, child)
    LEFT JOIN care_history USING (academic_year, child)
    LEFT JOIN changes_in_care USING (academic_year, child)
    LEFT JOIN attainment_at_entry USING (academic_year, child)
    LEFT JOIN destinations USING (academic_year, child)
    LEFT JOIN plans USING (academic_year, child)
    LEFT JOIN leaver_outcomes AS leavers USING (academic_year, child)
    LEFT JOIN attendance_fed AS fed USING (academic_year, child)
    LEFT JOIN schooled AS pupil
        ON pupil.academic_year = people.academic_year AND pupil.identifier = people.upn
    LEFT JOIN postcode_area ON postcode_area.postcode = care.pl_post
    LEFT JOIN postcode_area AS home_area ON home_area.postcode = care.home_post
)
SELECT
    located.* REPLACE (
        row_token(child) AS child,
        CASE legal_status
            WHEN 'C2' THEN 'full_care_order'
            WHEN 'C1' THEN 'interim_care_order'
            WHEN 'E1' THEN 'placement_order'
            WHEN 'V2' THEN 'section_20'
            ELSE if(legal_status IS NULL, NULL, 'other')
        END AS legal_status,
        coalesce(at_31_march, false) AS at_31_march,
        coalesce(in_care_12_months, false) AS in_care_12_months,
        CASE in_touch
            WHEN 'YES' THEN 'yes'
            WHEN 'NO' THEN 'no'
            WHEN 'DIED' THEN 'died'
            WHEN 'REFU' THEN 'refused'
            WHEN 'NREQ' THEN 'not_required'
            WHEN 'RHOM' THEN 'returned_home'
            ELSE leaver_in_touch
        END AS in_touch
    ),
    child AS la_child_id,
    term_of_birth(dob) AS birth_term,
    major_ethnicity(ethnic) AS ethnicity_major,
    coalesce(age_on(dob, year_end), leaver_age) AS age,
    year_group_on(dob, make_date(academic_year // 100, 9, 1)) AS years_since_reception,
    CASE WHEN years_since_reception BETWEEN 0 AND 14 THEN years_since_reception END AS year_group,
    key_stage_of(years_since_reception) AS key_stage,
    authority_region.region AS host_region,
    coalesce(school_area.authority = home_authority, host_authority = getvariable('authority')) AS school_in_area,
    coalesce(placement_area.authority = home_authority, placement_authority = getvariable('authority'))
        AS placement_in_area,
    -- E3: another authority took over the care in the year, and counts the child.
    is_ours AND NOT coalesce(last_rec = 'E3' AND care_end >= year_start, false) AS counted_here,
    CASE WHEN has_uasc THEN is_uasc END AS uasc,
    CASE
        WHEN months_in_care < 12 THEN 'under_12_months'
        WHEN months_in_care < 24 THEN '12_to_23_months'
        WHEN months_in_care < 36 THEN '24_to_35_months'
        WHEN months_in_care < 48 THEN '36_to_47_months'
        WHEN months_in_care < 60 THEN '48_to_59_months'
        WHEN months_in_care < 72 THEN '60_to_71_months'
        WHEN months_in_care >= 72 THEN 'over_71_months'
    END AS period_of_care_length,
    CASE WHEN dob <= care_start THEN key_stage_of(year_group_on(dob, care_start)) END AS key_stage_at_entry,
    age_on(dob, care_start) AS age_at_entry,
    placement_kind(place) AS placement_type,
    provider_kind(place_provider) AS placement_provider,
    CASE
        WHEN sdq_score < 14 THEN 'normal'
        WHEN sdq_score < 17 THEN 'borderline'
        WHEN sdq_score >= 17 THEN 'concern'
    END AS sdq_band,
    -- Asked of ages 4 to 16 in care for 12 months; SDQ1 says that the age is outside.
    CASE
        WHEN sdq_score IS NOT NULL THEN true
        WHEN sdq_reason <> 'SDQ1' THEN false
        WHEN has_oc2 AND sdq_reason IS NULL AND in_care_12_months AND age BETWEEN 4 AND 16 THEN false
    END AS sdq_returned,
    CASE right(accom, 1) WHEN '1' THEN true WHEN '2' THEN false ELSE leaver_accommodation_suitable END
        AS accommodation_suitable,
    coalesce(activity_of(activ), activity) AS activity_19_21
FROM located
LEFT JOIN authority_region ON authority_region.authority = host_authority
LEFT JOIN authority_map AS school_area
    ON school_area.today = host_authority AND school_area.year = located.academic_year
LEFT JOIN authority_map AS placement_area
    ON placement_area.today = placement_authority AND placement_area.year = located.academic_year
