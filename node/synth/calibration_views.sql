-- What the written files say, one row a child or pupil, for the figures of calibration_figures.toml to be counted from.
--
-- Only the last year written is counted: its files are two folders below the top, those of earlier years three.
-- `directory`, `year_start` and `year_end` (of the return) are variables.
CREATE TABLE headers AS
SELECT regexp_extract(filename, '(\d{3})/ssda903/', 1) AS home, CHILD AS child, SEX AS sex, UPN AS upn, ETHNIC AS ethnicity,
    strptime(DOB, '%d/%m/%Y')::DATE AS born
FROM read_csv(getvariable('directory') || '/*/ssda903/header.csv', all_varchar = true, filename = true, header = true);

CREATE TABLE episodes AS
SELECT regexp_extract(filename, '(\d{3})/ssda903/', 1) AS home, CHILD AS child,
    strptime(DECOM, '%d/%m/%Y')::DATE AS began, strptime(DEC, '%d/%m/%Y')::DATE AS ended,
    RNE AS started, LS AS legal, CIN AS need, PLACE AS place, PLACE_PROVIDER AS provider, REC AS reason,
    REASON_PLACE_CHANGE AS moved, HOME_POST AS home_postcode, PL_POST AS postcode
FROM read_csv(getvariable('directory') || '/*/ssda903/episodes.csv', all_varchar = true, filename = true, header = true);

-- Everyone looked after in the year, short breaks left out.
CREATE TABLE care AS
SELECT headers.*, gathered.* EXCLUDE (home, child),
    date_diff('year', born, getvariable('year_end'))
        - (strftime(getvariable('year_end'), '%m%d') < strftime(born, '%m%d'))::INTEGER AS age,
    date_diff('year', born, start) - (strftime(start, '%m%d') < strftime(born, '%m%d'))::INTEGER AS age_at_start
FROM headers
JOIN (
    SELECT home, child,
        min(began) AS start, arg_max(coalesce(ended, DATE '9999-12-31'), began) AS finish,
        arg_min(legal, began) AS first_legal, arg_max(legal, began) AS legal, arg_max(need, began) AS need,
        arg_max(place, began) AS place, arg_max(provider, began) AS provider, arg_max(reason, began) AS reason,
        arg_max(postcode, began) AS postcode, arg_max(home_postcode, began) AS home_postcode,
        count(*) FILTER (started IN ('P', 'B') AND began >= getvariable('year_start')) AS moves,
        count(*) FILTER (started IN ('P', 'B') AND began > getvariable('year_end') - INTERVAL 2 YEAR) AS moves_in_2_years,
        max(began) FILTER (started IN ('S', 'P', 'B')) AS with_carer_since
    FROM episodes
    GROUP BY home, child
) AS gathered USING (home, child)
WHERE legal NOT IN ('V3', 'V4');

CREATE TABLE stock AS
SELECT care.*, uasc.child IS NOT NULL AS unaccompanied, start <= getvariable('year_start') AS all_year
FROM care
LEFT JOIN (
    SELECT DISTINCT regexp_extract(filename, '(\d{3})/ssda903/', 1) AS home, CHILD AS child
    FROM read_csv(getvariable('directory') || '/*/ssda903/uasc.csv', all_varchar = true, filename = true, header = true)
) AS uasc USING (home, child)
WHERE finish > getvariable('year_end');

CREATE TABLE started AS
SELECT care.*, uasc.child IS NOT NULL AS unaccompanied
FROM care
LEFT JOIN (
    SELECT DISTINCT regexp_extract(filename, '(\d{3})/ssda903/', 1) AS home, CHILD AS child
    FROM read_csv(getvariable('directory') || '/*/ssda903/uasc.csv', all_varchar = true, filename = true, header = true)
) AS uasc USING (home, child)
WHERE start >= getvariable('year_start');

CREATE TABLE ceased AS
SELECT * FROM care WHERE finish <= getvariable('year_end');

CREATE TABLE moves AS
SELECT moved FROM episodes WHERE moved NOT IN ('', 'PLACE') AND ended >= getvariable('year_start');

CREATE TABLE health AS
SELECT stock.home, stock.age, SDQ_SCORE::INTEGER AS sdq, CONVICTED = '1' AS convicted, IMMUNISATIONS = '1' AS immunised,
    TEETH_CHECK = '1' AS dentist, HEALTH_ASSESSMENT = '1' AS assessed, SUBSTANCE_MISUSE = '1' AS misuse
FROM read_csv(getvariable('directory') || '/*/ssda903/oc2.csv', all_varchar = true, filename = true, header = true) AS oc2
JOIN stock ON stock.home = regexp_extract(oc2.filename, '(\d{3})/ssda903/', 1) AND stock.child = oc2.CHILD;

CREATE TABLE workers AS
SELECT count(*) AS workers
FROM read_csv(getvariable('directory') || '/*/ssda903/sw_episodes.csv', all_varchar = true, filename = true, header = true) AS sw
JOIN stock ON stock.home = regexp_extract(sw.filename, '(\d{3})/ssda903/', 1) AND stock.child = sw.CHILD
GROUP BY stock.home, stock.child;

-- One row for each pupil of the year, by the UPN of the rolls.
CREATE TABLE roll AS
SELECT regexp_extract(filename, '/(\d{3})/school-census/', 1) AS host, regexp_extract(filename, '(autumn|spring|summer)', 1) AS term,
    pupilonrolltableid AS row_id, NativeId AS school, upn, senprovision AS sen, ncyearactual AS year_group, termlysessionspossible::DOUBLE AS possible
FROM read_csv(getvariable('directory') || '/*/school-census/*_pupilonroll.csv', all_varchar = true, filename = true, union_by_name = true, header = true);

CREATE TABLE estabs AS
SELECT DISTINCT lea AS host, NativeId AS school, estab::INTEGER AS estab
FROM read_csv(getvariable('directory') || '/*/school-census/*_schoolcensus.csv', all_varchar = true, header = true);

CREATE TABLE absences AS
SELECT regexp_extract(filename, '/(\d{3})/school-census/', 1) AS host, regexp_extract(filename, '(autumn|spring|summer)', 1) AS term,
    pupilonrolltableid AS row_id, sum(sessions::DOUBLE) AS missed,
    sum(sessions::DOUBLE) FILTER (attendancereason IN ('O', 'U', 'G', 'N')) AS unauthorised
FROM read_csv(getvariable('directory') || '/*/school-census/*_termlysessiondetailsonroll.csv', all_varchar = true, filename = true, header = true)
GROUP BY ALL;

CREATE TABLE exclusions AS
SELECT regexp_extract(filename, '/(\d{3})/school-census/', 1) AS host, regexp_extract(filename, '(autumn|spring|summer)', 1) AS term,
    pupilonrolltableid AS row_id, bool_or(category = 'SUSP') AS suspended, bool_or(category = 'PERM') AS excluded
FROM read_csv(getvariable('directory') || '/*/school-census/*_termlyexclusionsonroll.csv', all_varchar = true, filename = true, header = true)
GROUP BY ALL;

CREATE TABLE needs AS
SELECT DISTINCT regexp_extract(filename, '/(\d{3})/school-census/', 1) AS host, pupilonrolltableid AS row_id, sentype AS need
FROM read_csv(getvariable('directory') || '/*/school-census/*_senneeds.csv', all_varchar = true, filename = true, header = true)
WHERE sentyperank = '1.0';

-- The autumn census tells of last year's attendance.
CREATE TABLE pupils AS
SELECT upn, nullif(sum(possible) FILTER (term <> 'autumn'), 0) AS possible, coalesce(sum(missed) FILTER (term <> 'autumn'), 0) AS missed,
    coalesce(sum(unauthorised) FILTER (term <> 'autumn'), 0) AS unauthorised,
    coalesce(bool_or(suspended), false) AS suspended, coalesce(bool_or(excluded), false) AS excluded, count(DISTINCT school) AS schools, max(sen) AS sen, bool_or(year_group IN ('12', '13')) AS after_16, any_value(need) AS need,
    CASE WHEN max(estab) >= 7000 THEN 'special' WHEN max(estab) >= 4000 THEN 'secondary' WHEN max(estab) >= 2000 THEN 'primary'
        ELSE 'alternative' END AS phase
FROM roll
JOIN estabs USING (host, school)
LEFT JOIN absences USING (host, term, row_id)
LEFT JOIN exclusions USING (host, term, row_id)
LEFT JOIN needs USING (host, row_id)
GROUP BY upn;

CREATE TABLE pupils_in_care AS
SELECT pupils.*, home, missed / possible AS share_missed
FROM pupils
JOIN (SELECT upn, any_value(home) AS home FROM stock WHERE all_year GROUP BY upn) USING (upn);

-- One row for each authority, of percentages, means and numbers of its children.
CREATE TABLE authority_children AS
SELECT home, count(*) AS children, 100 * avg((place IN ('U1', 'U2', 'U3', 'U4', 'U5', 'U6'))::INTEGER) AS foster
FROM stock GROUP BY home;

CREATE TABLE authority_scores AS
SELECT home, avg(sdq) AS mean, 100 * avg((sdq IS NOT NULL)::INTEGER) AS returned
FROM health WHERE age BETWEEN 5 AND 16 GROUP BY home;

CREATE TABLE authority_pupils AS
SELECT home, 100 * sum(missed) / sum(possible) AS missed, 100 * avg((share_missed >= 0.1)::INTEGER) AS persistent,
    100 * avg((sen = 'E')::INTEGER) FILTER (NOT after_16) AS plans, 100 * avg((schools > 1)::INTEGER) AS moved
FROM pupils_in_care GROUP BY home;

-- The overall grades that Ofsted gave until August 2024, of the last school of the year.
CREATE TABLE pupils_graded AS
SELECT upn, home, grade
FROM (SELECT upn, arg_max(host || lpad(estab::VARCHAR, 4, '0'), term) AS laestab FROM roll JOIN estabs USING (host, school) GROUP BY upn)
JOIN (
    SELECT LAESTAB AS laestab, "Latest OEIF overall effectiveness" AS grade
    FROM read_csv(getvariable('directory') || '/register/ofsted_latest_inspections.csv', all_varchar = true, header = true, encoding = 'latin-1')
) USING (laestab)
JOIN pupils_in_care USING (upn)
WHERE grade IN ('1', '2', '3', '4');
