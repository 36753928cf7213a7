-- What the governed record means by the codes, scores and days it is made from.

-- Days and years.

-- The academic year, September to August, that a day falls in.
CREATE MACRO academic_year_of(day) AS (
    year(school_year_eve(day)) * 100 + (year(school_year_eve(day)) + 1) % 100
);

CREATE MACRO term_of(day) AS (
    CASE WHEN month(day) >= 9 THEN 'autumn' WHEN month(day) <= 3 THEN 'spring' WHEN day IS NOT NULL THEN 'summer' END
);

-- A census tells of attendance one term late: that of spring of the autumn term, that of summer of the spring term, and
-- that of autumn of the summer term of the academic year before.
CREATE MACRO attended_term(census_term) AS (
    CASE census_term WHEN 'autumn' THEN 'summer' WHEN 'spring' THEN 'autumn' WHEN 'summer' THEN 'spring' END
);

CREATE MACRO attended_year(academic_year, census_term) AS (
    CASE WHEN census_term = 'autumn' THEN academic_year - 101 ELSE academic_year END
);

-- School census days: the first Thursday of October, the third Thursdays of January and May.

CREATE MACRO nth_thursday(month_start, nth) AS (
    month_start + (((11 - isodow(month_start)) % 7) + 7 * (nth - 1))::INTEGER
);

CREATE MACRO usual_census_day(academic_year, term) AS (
    CASE term
        WHEN 'autumn' THEN nth_thursday(make_date(academic_year // 100, 10, 1), 1)
        WHEN 'spring' THEN nth_thursday(make_date(academic_year // 100 + 1, 1, 1), 3)
        WHEN 'summer' THEN nth_thursday(make_date(academic_year // 100 + 1, 5, 1), 3)
    END
);

-- The term of a period as the virtual school's records write it: 202425-autumn.
CREATE MACRO term_named(period) AS (split_part(period, '-', -1));

-- What a pupil without a pupil number is known by: the key of the row on the roll. No number is written like it.

CREATE MACRO roll_key(key) AS ('roll ' || key);

CREATE MACRO is_roll_key(identifier) AS (starts_with(identifier, 'roll '));

-- Statutory assessments are taken to be made on 15 May, the week of the Key Stage 2 tests.
CREATE MACRO assessment_day(academic_year) AS (make_date(academic_year // 100 + 1, 5, 15));

-- What the codes of a placement stand for.

CREATE MACRO placement_kind(place) AS (
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
    END
);

-- Miles in a straight line between two grid references in metres, as DfE works them out: kilometres by 1.6093.
CREATE MACRO miles_between(easting, northing, other_easting, other_northing) AS (
    round(sqrt(pow(easting - other_easting, 2) + pow(northing - other_northing, 2)) / 1609.3, 1)
);

CREATE MACRO provider_kind(code) AS (
    CASE code
        WHEN 'PR0' THEN 'parent'
        WHEN 'PR1' THEN 'own_authority'
        WHEN 'PR2' THEN 'other_authority'
        WHEN 'PR3' THEN 'other_public'
        WHEN 'PR4' THEN 'private'
        WHEN 'PR5' THEN 'voluntary'
    END
);

-- Care that ended in adoption, a child arrangements order or special guardianship (E43 and E44 before 2015).
CREATE MACRO is_permanent_home(rec) AS (rec IN ('E11', 'E12', 'E41', 'E43', 'E44', 'E45', 'E46', 'E47', 'E48'));

-- A placement change outside the care plan.
CREATE MACRO is_unplanned(reason) AS (reason IN ('ALLEG', 'CREQB', 'CREQO', 'STAND', 'CLOSE', 'CUSTOD', 'OTHER'));

CREATE MACRO sen_provision_of(code) AS (
    CASE code WHEN 'N' THEN 'none' WHEN 'K' THEN 'sen_support' WHEN 'E' THEN 'ehc_plan' END
);

-- REF, NOT and ZZZ: refused, not obtained, not yet known.
CREATE MACRO is_other_language(code) AS (
    CASE WHEN upper(code) NOT IN ('REF', 'NOT', 'ZZZ') THEN upper(code) NOT IN ('ENG', 'ENB') END
);

CREATE MACRO activity_of(code) AS (
    CASE
        WHEN code IN ('F1', 'P1') THEN 'higher_education'
        WHEN code IN ('F2', 'P2') THEN 'other_education'
        WHEN code IN ('F4', 'P4') THEN 'apprenticeship'
        WHEN code IN ('F5', 'P5') THEN 'training_or_employment'
        WHEN code IN ('G4', 'G5', 'G6') THEN 'neet'
        WHEN code = '0' THEN 'unknown'
    END
);

-- Attendance codes, as DfE counts them. Those that are none of these are attendance: an interview before August 2024 (J)
-- was an approved activity, and has been a leave of absence since (J1).

CREATE MACRO is_authorised_absence(code) AS (
    code IN ('C', 'C1', 'C2', 'E', 'H', 'I', 'J1', 'M', 'R', 'S', 'T')
);

CREATE MACRO is_unauthorised_absence(code) AS (code IN ('G', 'N', 'O', 'U'));

-- No session that the pupil could have attended; Q is a lack of access arrangements, Y1 to Y7 are unavoidable causes.
CREATE MACRO is_impossible_session(code) AS (
    code IN ('D', 'Q', 'X', 'Y', 'Y1', 'Y2', 'Y3', 'Y4', 'Y5', 'Y6', 'Y7', 'Z', '#')
);

-- Standard scores: how far an assessment lies from the middle of a fixed reference group of all pupils, in standard
-- deviations of that group. The reference is part of the definition and the same for every year. Its means and shares are
-- those that DfE published of all pupils: Key Stage 2 of 2023/24 (scaled scores of 105 in reading and 104 in maths, on
-- average 104.5), Attainment 8 of 2023/24 (46), a good level of development in 2023/24 (68%), and Key Stage 1 of
-- 2022/23, the last collected (means of reading, writing and maths: below the expected standard 34%, at it 52%, at
-- greater depth 14%). DfE publishes no deviations of pupils' averages: 8 and 20 are a convention of this record. A
-- result that is only a band scores the mean of a normal distribution over its band.

CREATE MACRO key_stage_2_score(scaled) AS ((scaled - 104.5) / 8);

CREATE MACRO key_stage_4_score(attainment8) AS ((attainment8 - 46) / 20);

CREATE MACRO development_score(is_good) AS (CASE WHEN is_good THEN 0.53 WHEN NOT is_good THEN -1.12 END);

CREATE MACRO is_below_expected(outcome) AS (
    outcome IN ('WTS', 'HNM', 'PKF', 'PKG', 'PKE', 'PK1', 'PK2', 'PK3', 'PK4', 'PK5', 'PK6', 'BLW')
);

CREATE MACRO key_stage_1_score(outcome) AS (
    CASE
        WHEN outcome = 'GDS' THEN 1.59
        WHEN outcome = 'EXS' THEN 0.28
        WHEN is_below_expected(outcome) THEN -1.08
    END
);

-- The bands that prior attainment is grouped by.
CREATE MACRO attainment_band(stage, standard_score) AS (
    CASE
        WHEN stage = 'eyfsp' THEN if(standard_score > 0, 'expected', 'below_expected')
        WHEN stage = 'ks1' AND standard_score >= 1 THEN 'above_expected'
        WHEN stage = 'ks1' AND standard_score >= 0 THEN 'expected'
        WHEN stage = 'ks2' AND standard_score >= key_stage_2_score(110) THEN 'above_expected'
        WHEN stage = 'ks2' AND standard_score >= key_stage_2_score(100) THEN 'expected'
        WHEN standard_score IS NOT NULL THEN 'below_expected'
    END
);

-- Why a session was missed, in the catalogue's words.
CREATE MACRO absence_reason(code) AS (
    CASE code
        WHEN 'I' THEN 'illness'
        WHEN 'M' THEN 'medical_appointment'
        WHEN 'E' THEN 'suspended_or_excluded'
        WHEN 'C2' THEN 'part_time_timetable'
        WHEN 'R' THEN 'religious_observance'
        WHEN 'S' THEN 'study_leave'
        WHEN 'T' THEN 'traveller'
        WHEN 'C' THEN 'other_authorised'
        WHEN 'C1' THEN 'other_authorised'
        WHEN 'H' THEN 'other_authorised'
        WHEN 'J1' THEN 'other_authorised'
        WHEN 'G' THEN 'unagreed_holiday'
        WHEN 'N' THEN 'no_reason_yet'
        WHEN 'O' THEN 'other_unauthorised'
        WHEN 'U' THEN 'late_after_register'
    END
);
