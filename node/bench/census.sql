-- A large School Census of one term, as the files of the collection are: their columns in their order, dates with a
-- time of day, whole numbers with a decimal point. Drawn from hashes of the row's number, so that every run has the
-- same files, in the proportions of the public sample census: for each pupil some eleven rows in all, of which four
-- tell of sessions. The variables `pupils` and `upn_letters` are set before.

CREATE MACRO draw(number, purpose, choices) AS ((hash(number, purpose) % choices)::BIGINT);

CREATE MACRO one_of(number, purpose, items) AS (items[1 + draw(number, purpose, len(items))]);

CREATE MACRO as_written(day) AS (strftime(day, '%Y-%b-%d 00:00:00'));

CREATE MACRO key_of(number) AS (substr(md5(number::VARCHAR), 1, 12));

CREATE MACRO body_of_upn(number) AS (
    '301' || (2000 + number // 16000)
    || lpad((8 + number // 1000 % 16)::VARCHAR, 2, '0') || lpad((number % 1000)::VARCHAR, 3, '0')
);

CREATE VIEW pupilonroll AS
SELECT
    key_of(pupil) AS pupilonrolltableid,
    'SCH' || (1 + pupil // 500) AS "NativeId",
    as_written(DATE '2006-09-01' + draw(pupil, 'dob', 5113)::INTEGER) AS dob,
    'SUR' || draw(pupil, 'surname', 10000) AS surname,
    'FOR' || draw(pupil, 'forename', 10000) AS forename,
    'MID' || draw(pupil, 'middle', 10000) AS middlenames,
    'PSUR' || draw(pupil, 'surname', 10000) AS preferredsurname,
    NULL AS formersurname,
    upn_check_letter('A' || body_of_upn(pupil)) || body_of_upn(pupil) AS upn,
    NULL AS formerupn,
    lpad(draw(pupil, 'learner', 10000000000)::VARCHAR, 10, '1') AS uniquelearnernumber,
    one_of(pupil, 'sex', ['M', 'F']) AS sex,
    as_written(DATE '2019-09-01' + draw(pupil, 'entry', 1900)::INTEGER) AS entrydate,
    1 AS pupilonrollorderseqcolumn,
    'f50bf7cf' AS sourceid,
    '348ce0cb' AS schoolcensustableid,
    '25.0' AS hoursatsetting,
    'True' AS schoollunchtaken,
    'False' AS parttime,
    'False' AS topupfunding,
    NULL AS unitcontacttime,
    (100 + draw(pupil, 'sessions', 40))::VARCHAR || '.0' AS termlysessionspossible,
    one_of(pupil, 'unit', ['True', 'False', 'False', 'False']) AS senunitindicator,
    one_of(pupil, 'resourced', ['True', 'False', 'False', 'False']) AS resourcedprovisionindicator,
    NULL AS moveoffrollflag, NULL AS fundedhours, NULL AS missingaddress, NULL AS duplicatenotfunded, NULL AS extendedhours,
    NULL AS eligibilitycode, NULL AS dafindicator,
    one_of(
        pupil, 'ethnicity',
        ['WBRI', 'WBRI', 'WENG', 'WOTH', 'MWBC', 'AIND', 'APKN', 'BNGN', 'BCRB', 'CHNE', 'OOTH', 'NOBT']
    ) AS ethnicity,
    NULL AS yssa, NULL AS servicechild,
    one_of(pupil, 'language', ['ENG', 'ENG', 'ENG', 'URD', 'POL']) AS "language",
    'O' AS classtype,
    one_of(pupil, 'enrolment', ['C', 'C', 'C', 'M']) AS enrolstatus,
    NULL AS boarder,
    one_of(pupil, 'plaa', ['N', 'N', 'N', 'N', 'A', 'G']) AS plaa,
    one_of(pupil, 'provision', ['N', 'N', 'N', 'N', 'K', 'E']) AS senprovision,
    one_of(pupil, 'year', ['R', '1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11']) AS ncyearactual,
    NULL AS eyppr, NULL AS eyppbf, NULL AS youngcarer
FROM (SELECT unnest(range(getvariable('pupils'))) AS pupil);

CREATE VIEW termlysessiondetailsonroll AS
SELECT
    key_of(pupil) AS pupilonrolltableid,
    'SCH' || (1 + pupil // 500) AS "NativeId",
    substr(md5(pupil::VARCHAR || reason), 1, 8) AS termlysessiondetailsonrolltableid,
    1 AS termlysessiondetailsonrollorderseqcolumn,
    'f50bf7cf' AS sourceid,
    draw(pupil, reason, 12)::VARCHAR || '.0' AS sessions,
    reason AS attendancereason
FROM (SELECT unnest(range(getvariable('pupils'))) AS pupil)
CROSS JOIN (SELECT unnest(['I', 'M', 'O', 'G', 'L', 'B', 'C']) AS reason)
WHERE draw(pupil, reason || '?', 100) < 60;

CREATE VIEW fsmperiod AS
SELECT
    key_of(pupil) AS pupilonrolltableid,
    'SCH' || (1 + pupil // 500) AS "NativeId",
    substr(md5('fsm' || place || pupil), 1, 8) AS fsmperiodtableid,
    place AS fsmperiodorderseqcolumn,
    'f50bf7cf' AS sourceid,
    as_written(DATE '2020-09-01' + draw(pupil, 'meals' || place, 1000)::INTEGER) AS fsmstartdate,
    CASE WHEN draw(pupil, 'ended' || place, 5) = 0 THEN '2025-Jan-31 00:00:00' END AS fsmenddate,
    'ENG' AS ukcountry
FROM (SELECT unnest(range(getvariable('pupils'))) AS pupil)
CROSS JOIN (SELECT unnest([1, 2, 3]) AS place)
WHERE draw(pupil, 'fsm' || place, 10) > 0;

CREATE VIEW senneeds AS
SELECT
    key_of(pupil) AS pupilonrolltableid,
    'SCH' || (1 + pupil // 500) AS "NativeId",
    substr(md5('sen' || place || pupil), 1, 8) AS senneedstableid,
    place AS senneedsorderseqcolumn,
    'f50bf7cf' AS sourceid,
    place || '.0' AS sentyperank,
    one_of(pupil, 'need' || place, ['SEMH', 'MLD', 'SLCN', 'ASD', 'SPLD', 'SLD']) AS sentype
FROM (SELECT unnest(range(getvariable('pupils'))) AS pupil)
CROSS JOIN (SELECT unnest([1, 2]) AS place)
WHERE draw(pupil, 'sen' || place, 10) > 0;

CREATE VIEW termlyexclusionsonroll AS
SELECT
    key_of(pupil) AS pupilonrolltableid,
    'SCH' || (1 + pupil // 500) AS "NativeId",
    substr(md5('exclusion' || pupil), 1, 8) AS termlyexclusionsonrolltableid,
    1 AS termlyexclusionsonrollorderseqcolumn,
    'f50bf7cf' AS sourceid,
    as_written(DATE '2025-01-06' + draw(pupil, 'excluded', 80)::INTEGER) AS startdate,
    (1 + draw(pupil, 'length', 9))::VARCHAR || '.0' AS sessions,
    'PP' AS reason1, NULL AS reason2, NULL AS reason3,
    'SUSP' AS category,
    'N' AS senprovision
FROM (SELECT unnest(range(getvariable('pupils'))) AS pupil);
