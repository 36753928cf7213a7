-- Every child of the record, with everything that `child_year` and the vault say of them.
--
-- The host authority is that of the school: this authority's where the child is on a roll it collects, otherwise
-- taken to be the one where the child is placed.
WITH people AS (
    SELECT
        populations.*, returns.year_start, returns.year_end, returns.has_uasc,
        header.upn, header.sex, header.ethnic,
        coalesce(header.dob, oc3.dob, oc2.dob, uasc.dob) AS dob,
        uasc.child IS NOT NULL AND (uasc.duc IS NULL OR uasc.duc >= returns.year_start) AS is_uasc,
        oc2.sdq_score, oc2.sdq_reason, oc2.child IS NOT NULL AS has_oc2,
        oc3.in_touch, oc3.activ, oc3.accom
    FROM populations
    JOIN returns USING (academic_year)
    LEFT JOIN header USING (academic_year, child)
    LEFT JOIN uasc USING (academic_year, child)
    LEFT JOIN oc2 USING (academic_year, child)
    LEFT JOIN oc3 USING (academic_year, child)
),
located AS (
    SELECT
        people.*, care.* EXCLUDE (academic_year, child, year_start, year_end),
        pupil.* EXCLUDE (
            academic_year, upn, dob, sex, birth_term, ethnicity_major, age, years_since_reception, year_group,
            key_stage, host_authority, host_region
        ),
        postcode_area.authority AS placement_authority,
        coalesce(pupil.host_authority, postcode_area.authority) AS host_authority
    FROM people
    LEFT JOIN care_years AS care USING (academic_year, child)
    LEFT JOIN pupil_record AS pupil
        ON pupil.academic_year = people.academic_year AND pupil.identifier = people.upn
    LEFT JOIN postcode_area ON postcode_area.postcode = care.pl_post
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
        END AS in_touch
    ),
    child AS la_child_id,
    term_of_birth(dob) AS birth_term,
    major_ethnicity(ethnic) AS ethnicity_major,
    age_on(dob, year_end) AS age,
    year_group_on(dob, make_date(academic_year // 100, 9, 1)) AS years_since_reception,
    CASE WHEN years_since_reception BETWEEN 0 AND 14 THEN years_since_reception END AS year_group,
    key_stage_of(years_since_reception) AS key_stage,
    getvariable('authority') AS home_authority,
    getvariable('region') AS home_region,
    authority_region.region AS host_region,
    host_authority = home_authority AS school_in_area,
    placement_authority = home_authority AS placement_in_area,
    -- E3: another authority took over the care in the year, and counts the child.
    NOT coalesce(last_rec = 'E3' AND care_end >= year_start, false) AS counted_here,
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
    CASE
        WHEN place IN ('U1', 'U2', 'U3') THEN 'foster_relative_or_friend'
        WHEN place IN ('U4', 'U5', 'U6') THEN 'foster_other'
        WHEN place = 'K2' THEN 'children_home'
        WHEN place = 'K1' THEN 'secure_home'
        WHEN place = 'S1' THEN 'residential_school'
        WHEN place = 'P1' THEN 'with_parents'
        WHEN place IN ('A3', 'A4', 'A5', 'A6') THEN 'adoption'
        WHEN place IN ('H5', 'K3', 'P2') THEN 'independent_or_supported'
        WHEN place IN ('R1', 'R2', 'R3', 'R5') THEN 'other_residential'
        WHEN place IS NOT NULL THEN 'other'
    END AS placement_type,
    CASE place_provider
        WHEN 'PR0' THEN 'parent'
        WHEN 'PR1' THEN 'own_authority'
        WHEN 'PR2' THEN 'other_authority'
        WHEN 'PR3' THEN 'other_public'
        WHEN 'PR4' THEN 'private'
        WHEN 'PR5' THEN 'voluntary'
    END AS placement_provider,
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
    CASE right(accom, 1) WHEN '1' THEN true WHEN '2' THEN false END AS accommodation_suitable,
    CASE
        WHEN activ IN ('F1', 'P1') THEN 'higher_education'
        WHEN activ IN ('F2', 'P2') THEN 'other_education'
        WHEN activ IN ('F4', 'P4') THEN 'apprenticeship'
        WHEN activ IN ('F5', 'P5') THEN 'training_or_employment'
        WHEN activ IN ('G4', 'G5', 'G6') THEN 'neet'
        WHEN activ = '0' THEN 'unknown'
    END AS activity_19_21
FROM located
LEFT JOIN authority_region ON authority_region.authority = host_authority
