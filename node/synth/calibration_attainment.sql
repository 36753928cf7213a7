-- Results of the last year written, from the GIAP files that a full England has; `spoken_year` is a variable.
CREATE TABLE key_stage_4 AS
SELECT DISTINCT ON (KS4_UPN) KS4_UPN AS upn, KS4_ATT8::DOUBLE AS attainment8, KS4_L2BASICS_94 = '1' AS grade_4,
    KS4_L2BASICS_95 = '1' AS grade_5, KS4_EBACC_E_PTQ_EE = '1' AS ebacc, KS4_EBACCAPS_PUPIL::DOUBLE AS average
FROM read_csv(getvariable('directory') || '/*/giap/ks4.csv', all_varchar = true, header = true)
WHERE KS4_ACADYR = getvariable('spoken_year');

CREATE TABLE key_stage_4_in_care AS
SELECT key_stage_4.*, home
FROM key_stage_4
JOIN (SELECT upn, any_value(home) AS home FROM stock WHERE all_year GROUP BY upn) USING (upn);

CREATE TABLE authority_key_stage_4 AS
SELECT home, count(*) AS cohort, avg(attainment8) AS attainment8 FROM key_stage_4_in_care GROUP BY home;

CREATE TABLE key_stage_4_others AS
SELECT * FROM key_stage_4 ANTI JOIN headers USING (upn);

CREATE TABLE key_stage_2 AS
SELECT DISTINCT ON (UPN) UPN AS upn, READEXP = '1' AS reading, WRITTAEXP = '1' AS writing, MATEXP = '1' AS maths,
    GPSEXP = '1' AS grammar, RWMEXP = '1' AS all_three
FROM read_csv(getvariable('directory') || '/*/giap/ks2.csv', all_varchar = true, header = true)
WHERE ACADYR = getvariable('spoken_year');

CREATE TABLE key_stage_2_in_care AS
SELECT key_stage_2.*, home
FROM key_stage_2
JOIN (SELECT upn, any_value(home) AS home FROM stock WHERE all_year GROUP BY upn) USING (upn);

CREATE TABLE authority_key_stage_2 AS
SELECT home, count(*) AS cohort FROM key_stage_2_in_care GROUP BY home;

CREATE TABLE key_stage_2_others AS
SELECT * FROM key_stage_2 ANTI JOIN headers USING (upn);
