-- Texts that try to reach past the governed tables or past what may be asked of them. Every one must be refused,
-- for the reason that stands behind it.

-- A second statement
SELECT COUNT(*) FROM child_year; DROP TABLE child_year;  -- refused: several_statements
SELECT COUNT(*) FROM child_year;; SELECT * FROM child_year;  -- refused: several_statements
SELECT COUNT(*) FROM child_year; COPY child_year TO '/tmp/out.csv';  -- refused: several_statements
SELECT COUNT(*) FROM child_year WHERE sex = 'M'; SET enable_external_access = true;  -- refused: several_statements
; SELECT COUNT(*) FROM child_year;  -- refused: several_statements

-- What looks like something else
SELECT COUNT(*) FROM child_yеar;  -- refused: character
SELECT COUNT(*) FROM child_year WHERE sex = ’M’;  -- refused: character
SELECT COUNT(*) FROM child_year WHERE sex ＝ 'M';  -- refused: character
SELECT COUNT(*) FROM child_year WHERE age ≥ 4;  -- refused: character
SELECT COUNT(*) FROM child_year; DROP TABLE child_year;  -- refused: character
SELECT COUNT(*) FROM child_year;  -- refused: character
SELECT COUNT(*) FROM child_year WHERE se‍x = 'M';  -- refused: character
SELECT CASE WHEN uasc THEN 'Tоtal' END AS m, COUNT(*) AS n FROM child_year GROUP BY m;  -- refused: character

-- Files
SELECT COUNT(*) FROM read_csv('/etc/passwd');  -- refused: function
SELECT COUNT(*) FROM read_parquet('snapshots/identified/children.parquet');  -- refused: function
SELECT COUNT(*) FROM read_text('key.json');  -- refused: function
SELECT COUNT(*) FROM read_blob('key.json');  -- refused: function
SELECT COUNT(*) FROM glob('*');  -- refused: function
SELECT COUNT(*) FROM '/etc/passwd';  -- refused: unknown_table
SELECT COUNT(*) FROM "children.parquet";  -- refused: unknown_table
SELECT COUNT(*) FROM parquet_metadata('child_year.parquet');  -- refused: function
COPY child_year TO '/tmp/out.csv';  -- refused: not_a_select
COPY (SELECT * FROM child_year) TO '/tmp/out.csv';  -- refused: not_a_select
EXPORT DATABASE '/tmp/out';  -- refused: not_a_select
IMPORT DATABASE '/tmp/out';  -- refused: not_a_select

-- Environment, settings and other catalogs
SELECT COUNT(*) AS n, getenv('HOME') AS home FROM child_year;  -- refused: function
SELECT COUNT(*) FROM child_year WHERE getenv('HOME') = 'x';  -- refused: function
SELECT COUNT(*) FROM duckdb_settings();  -- refused: function
SELECT COUNT(*) FROM information_schema.tables;  -- refused: unknown_table
SELECT COUNT(*) FROM pg_catalog.pg_class;  -- refused: unknown_table
SELECT COUNT(*) FROM sqlite_master;  -- refused: unknown_table
SELECT current_setting('allowed_paths') AS s, COUNT(*) FROM child_year;  -- refused: function
SELECT COUNT(*) FROM pragma_table_info('child_year');  -- refused: function
PRAGMA database_list;  -- refused: not_a_select
PRAGMA table_info('child_year');  -- refused: not_a_select
SET enable_external_access = true;  -- refused: not_a_select
RESET lock_configuration;  -- refused: not_a_select
CALL pragma_version();  -- refused: comment
DESCRIBE child_year;  -- refused: not_a_select
SHOW TABLES;  -- refused: not_a_select
SUMMARIZE child_year;  -- refused: not_a_select
EXPLAIN SELECT COUNT(*) FROM child_year;  -- refused: comment

-- Extensions and databases
INSTALL httpfs;  -- refused: not_a_select
LOAD httpfs;  -- refused: not_a_select
ATTACH '/tmp/other.db' AS other;  -- refused: not_a_select
DETACH child_year;  -- refused: not_a_select
USE other;  -- refused: not_a_select
SELECT COUNT(*) FROM other.main.child_year;  -- refused: unknown_table
SELECT COUNT(*) FROM sqlite_scan('hub.sqlite', 'log');  -- refused: function
SELECT COUNT(*) FROM postgres_scan('host=db', 'public', 't');  -- refused: function

-- Writing
INSERT INTO child_year VALUES (1);  -- refused: not_a_select
UPDATE child_year SET sex = 'M';  -- refused: not_a_select
DELETE FROM child_year;  -- refused: not_a_select
DROP VIEW child_year;  -- refused: not_a_select
CREATE TABLE t AS SELECT * FROM child_year;  -- refused: not_a_select
CREATE MACRO f(x) AS x;  -- refused: not_a_select
ALTER TABLE child_year ADD COLUMN x INT;  -- refused: not_a_select
BEGIN TRANSACTION;  -- refused: not_a_select
VACUUM;  -- refused: not_a_select
CHECKPOINT;  -- refused: not_a_select

-- Queries within queries
SELECT COUNT(*) FROM (SELECT * FROM child_year);  -- refused: subquery
SELECT COUNT(*) FROM (SELECT child, COUNT(*) AS n FROM child_year GROUP BY child) WHERE n = 1;  -- refused: subquery
WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r) SELECT COUNT(*) FROM r;  -- refused: common_table
SELECT COUNT(*) FROM child_year WHERE age = (SELECT MAX(age) FROM child_year);  -- refused: subquery
SELECT COUNT(*) FROM child_year WHERE EXISTS (SELECT 1 FROM pupil_year);  -- refused: subquery
SELECT COUNT(*) FROM child_year WHERE age = ANY (SELECT 4);  -- refused: expression
SELECT COUNT(*) FROM child_year, LATERAL (SELECT 1);  -- refused: join
SELECT COUNT(*) FROM child_year NATURAL JOIN pupil_year;  -- refused: join
SELECT COUNT(*) FROM child_year ASOF JOIN pupil_year USING (academic_year);  -- refused: join
SELECT COUNT(*) FROM child_year POSITIONAL JOIN pupil_year;  -- refused: join
SELECT COUNT(*) FROM child_year EXCEPT SELECT COUNT(*) FROM pupil_year;  -- refused: set_operation
SELECT COUNT(*) FROM VALUES (1);  -- refused: expression
TABLE child_year;  -- refused: not_a_select
VALUES (1);  -- refused: not_a_select
FROM child_year;  -- refused: not_a_select
(SELECT COUNT(*) FROM child_year);  -- refused: not_a_select

-- One child
SELECT COUNT(*) FROM child_year WHERE child = '0123456789abcdef0123456789abcdef';  -- refused: key_misused
SELECT COUNT(*) FROM child_year WHERE child IN ('0123456789abcdef0123456789abcdef');  -- refused: key_misused
SELECT COUNT(*) FROM child_year WHERE child < '8';  -- refused: key_misused
SELECT COUNT(*) FROM child_year WHERE child BETWEEN '0' AND '1';  -- refused: key_misused
SELECT COUNT(*) FROM child_year WHERE child LIKE '0%';  -- refused: expression
SELECT COUNT(*) FILTER (WHERE child > '8') AS n FROM child_year;  -- refused: key_misused
SELECT SUM(CASE WHEN child = '0' THEN 1 ELSE 0 END) AS n FROM child_year;  -- refused: key_misused
SELECT child, COUNT(*) AS n FROM child_year GROUP BY child;  -- refused: key_misused
SELECT MIN(child) AS first, COUNT(*) AS n FROM child_year;  -- refused: function
SELECT STRING_AGG(child, ',') AS children, COUNT(*) AS n FROM child_year;  -- refused: function
SELECT LIST(child) AS children, COUNT(*) AS n FROM child_year;  -- refused: function
SELECT ANY_VALUE(child) AS one, COUNT(*) AS n FROM child_year;  -- refused: expression
SELECT HASH(child) AS one, COUNT(*) AS n FROM child_year GROUP BY HASH(child);  -- refused: function
SELECT rowid, COUNT(*) AS n FROM child_year GROUP BY rowid;  -- refused: unknown_column
SELECT COUNT(*) FROM child_year WHERE rowid = 5;  -- refused: unknown_column
SELECT COUNT(*) FROM child_year WHERE file_row_number = 5;  -- refused: unknown_column
SELECT COUNT(DISTINCT child || sex) AS n FROM child_year;  -- refused: distinct
SELECT COUNT(DISTINCT (child, sex)) AS n FROM child_year;  -- refused: distinct
SELECT COUNT(DISTINCT child, sex) AS n FROM child_year;  -- refused: distinct
SELECT MAX(suspensions) AS most, COUNT(*) AS n FROM child_year;  -- refused: function
SELECT ARG_MAX(age, suspensions) AS age, COUNT(*) AS n FROM child_year;  -- refused: function
SELECT APPROX_QUANTILE(suspensions, 0.5) AS q, COUNT(*) AS n FROM child_year;  -- refused: function

-- Identifiers smuggled through constants
SELECT COUNT(*) FROM child_year WHERE sex = 'B801200005001';  -- refused: literal_outside_domain
SELECT COUNT(*) FROM child_year WHERE host_authority = '301'' OR ''1''=''1';  -- refused: literal_outside_domain
SELECT COUNT(*) FROM child_year WHERE sex IN ('M', 'B801200005001');  -- refused: literal_outside_domain
SELECT COUNT(*) FROM child_year WHERE need = E'N1\x00';  -- refused: expression
SELECT COUNT(*) FROM child_year WHERE sex = $$M$$;  -- refused: expression
SELECT COUNT(*) FROM child_year WHERE sex = X'4D';  -- refused: syntax
SELECT COUNT(*) FROM child_year WHERE sex = U&'\004D';  -- refused: expression
SELECT COUNT(*) FROM child_year WHERE age = 0x04;  -- refused: syntax
SELECT COUNT(*) FROM child_y@ar AT (VERSIOse=> 1);  -- refused: syntax
SELECT COUNT(*) FROM child_year WHERE sex = ?;  -- refused: expression
SELECT COUNT(*) FROM child_year WHERE sex = $1;  -- refused: expression
SELECT COUNT(*) FROM child_year WHERE sex = :sex;  -- refused: expression
SELECT COUNT(*) FROM child_year WHERE age = 20240917;  -- refused: literal_outside_domain
SELECT COUNT(*) FROM child_year WHERE attendance_rate = 0.93125;  -- refused: literal_outside_domain

-- Side channels: errors, division, casts, time
SELECT COUNT(*) FROM child_year WHERE 1 / (age - 4) > 0;  -- refused: expression
SELECT SUM(1 / suspensions) AS x FROM child_year;  -- refused: expression
SELECT COUNT(*) FROM child_year WHERE CAST(child AS INT) = 1;  -- refused: expression
SELECT COUNT(*) FROM child_year WHERE child::INT = 1;  -- refused: expression
SELECT COUNT(*) FROM child_year WHERE TRY_CAST(child AS INT) IS NULL;  -- refused: expression
SELECT COUNT(*) FROM child_year WHERE CASE WHEN uasc THEN error('yes') ELSE TRUE END;  -- refused: expression
SELECT SUM(CASE WHEN uasc THEN error('yes') ELSE 0 END) AS x FROM child_year;  -- refused: measure_form
SELECT SUM(CASE WHEN uasc THEN 1000000 ELSE 0 END) AS x FROM child_year;  -- refused: measure_form
SELECT SUM(CASE WHEN uasc THEN 1 WHEN sex = 'M' THEN 1 ELSE 0 END) AS x FROM child_year;  -- refused: measure_form
SELECT SUM(CASE sex WHEN 'M' THEN 1 ELSE 0 END) AS x FROM child_year;  -- refused: expression
SELECT SUM(IF(uasc, 1, 0)) AS x FROM child_year;  -- refused: expression
SELECT COUNT_IF(uasc) AS x FROM child_year;  -- refused: function
SELECT SUM(suspensions * 1000000) AS x FROM child_year;  -- refused: measure_form
SELECT SUM(suspensions) / COUNT(*) AS x FROM child_year;  -- refused: expression
SELECT SUM(suspensions) + SUM(placements) AS x FROM child_year;  -- refused: grouping_form
SELECT COUNT(*) FROM child_year WHERE sleep(10) IS NULL;  -- refused: function
SELECT COUNT(*) FROM child_year WHERE random() < 0.5;  -- refused: function
SELECT COUNT(*) FROM child_year TABLESAMPLE 1 ROWS;  -- refused: clause
SELECT COUNT(*) FROM child_year USING SAMPLE 1;  -- refused: clause
SELECT nextval('s') AS x, COUNT(*) FROM child_year;  -- refused: function

-- Quasi-identifiers and measures without bins
SELECT academic_year, age, sex, ethnicity_major, birth_term, host_authority, COUNT(*) AS n FROM child_year GROUP BY ALL;  -- refused: grouping_form
SELECT host_authority, age, sex, birth_term, COUNT(*) AS n FROM child_year GROUP BY host_authority, age, sex, birth_term;  -- refused: too_many_cells
SELECT sex, uasc, age, need, legal_status, placement_type, COUNT(*) AS n FROM child_year GROUP BY CUBE (sex, uasc, age, need, legal_status, placement_type);  -- refused: grouping_form
SELECT months_in_care // 1 AS m, COUNT(*) AS n FROM child_year GROUP BY m;  -- refused: grouping_form
SELECT suspensions + 0 AS s, COUNT(*) AS n FROM child_year GROUP BY s;  -- refused: grouping_form
SELECT suspension_days * 2 AS s, COUNT(*) AS n FROM child_year GROUP BY s;  -- refused: grouping_form
SELECT BIN(attendance_rate, 0.0001) AS a, COUNT(*) AS n FROM child_year GROUP BY a;  -- refused: grouping_form
SELECT BIN(child) AS c, COUNT(*) AS n FROM child_year GROUP BY c;  -- refused: key_misused
SELECT ROUND(attendance_rate, 4) AS a, COUNT(*) AS n FROM child_year GROUP BY a;  -- refused: function
SELECT home_authority, sex, COUNT(*) AS n FROM child_year GROUP BY ROLLUP (home_authority, sex);  -- refused: authority_column
SELECT QUANTILE_DISC(suspensions, 0) AS least, COUNT(*) AS n FROM child_year;  -- refused: measure_form
SELECT QUANTILE_DISC(suspensions, 1.0) AS most, COUNT(*) AS n FROM child_year;  -- refused: measure_form
SELECT QUANTILE_DISC(suspensions, 0.9999999) AS most, COUNT(*) AS n FROM child_year;  -- refused: measure_form
SELECT MAX(suspensions) FILTER (WHERE uasc) AS most FROM child_year;  -- refused: function
SELECT FIRST(suspensions ORDER BY child) AS one, COUNT(*) AS n FROM child_year;  -- refused: function
SELECT NTH_VALUE(suspensions, 3) OVER (ORDER BY child) AS third, COUNT(*) AS n FROM child_year;  -- refused: clause
SELECT HISTOGRAM(months_in_care) AS h, COUNT(*) AS n FROM child_year;  -- refused: function
SELECT MODE(months_in_care) AS m, COUNT(*) AS n FROM child_year;  -- refused: function
SELECT ENTROPY(months_in_care) AS e, COUNT(*) AS n FROM child_year;  -- refused: function

-- Counting and grouping over crafted CASE
SELECT COUNT(CASE WHEN child = '0' THEN 1 END) AS n FROM child_year;  -- refused: expression
SELECT COUNT(CASE WHEN uasc THEN child END) AS n FROM child_year;  -- refused: expression
SELECT COUNT(DISTINCT CASE WHEN uasc THEN child END) AS n FROM child_year;  -- refused: distinct
SELECT SUM(CASE WHEN uasc THEN suspensions ELSE 1000 END) AS n FROM child_year;  -- refused: measure_form
SELECT SUM(CASE WHEN uasc THEN suspensions ELSE sdq_score END) AS n FROM child_year;  -- refused: measure_form
SELECT CASE WHEN child < '8' THEN 'a' END AS half, COUNT(*) AS n FROM child_year GROUP BY half;  -- refused: key_misused
SELECT CASE child WHEN '0123456789abcdef0123456789abcdef' THEN 1 END AS me, COUNT(*) AS n FROM child_year GROUP BY me;  -- refused: key_misused
SELECT CASE WHEN home_authority = '301' THEN 'here' END AS place, COUNT(*) AS n FROM child_year GROUP BY place;  -- refused: authority_column
SELECT CASE WHEN uasc THEN child END AS who, COUNT(*) AS n FROM child_year GROUP BY who;  -- refused: grouping_form
SELECT CASE WHEN uasc THEN months_in_care END AS m, COUNT(*) AS n FROM child_year GROUP BY m;  -- refused: grouping_form
SELECT CASE WHEN uasc THEN CASE WHEN age = 4 THEN 'a' END END AS m, COUNT(*) AS n FROM child_year GROUP BY m;  -- refused: grouping_form
SELECT CASE WHEN age / age_at_entry > 1 THEN 'a' END AS m, COUNT(*) AS n FROM child_year GROUP BY m;  -- refused: expression
SELECT CASE WHEN age = age_at_entry THEN 'new' END AS m, COUNT(*) AS n FROM child_year GROUP BY m;  -- refused: predicate_form
SELECT CASE WHEN uasc THEN error('yes') END AS m, COUNT(*) AS n FROM child_year GROUP BY m;  -- refused: grouping_form
SELECT COALESCE(child, sex) AS m, COUNT(*) AS n FROM child_year GROUP BY m;  -- refused: function
SELECT NULLIF(age, 4) AS m, COUNT(*) AS n FROM child_year GROUP BY m;  -- refused: function
SELECT age // age_at_entry AS m, COUNT(*) AS n FROM child_year GROUP BY m;  -- refused: division
SELECT age % (age - 4) AS m, COUNT(*) AS n FROM child_year GROUP BY m;  -- refused: division
SELECT 1 // 0 AS m, COUNT(*) AS n FROM child_year GROUP BY m;  -- refused: grouping_form
SELECT age * 999999 * 999999 * 999999 * 999999 AS m, COUNT(*) AS n FROM child_year GROUP BY m;  -- refused: grouping_form
SELECT age + academic_year + year_group AS m, COUNT(*) AS n FROM child_year GROUP BY m;  -- refused: grouping_form

-- Identifiers in names and categories
SELECT CASE WHEN uasc THEN 'B801200005001' END AS m, COUNT(*) AS n FROM child_year GROUP BY m;  -- refused: grouping_form
SELECT CASE WHEN uasc THEN 1012345678 END AS m, COUNT(*) AS n FROM child_year GROUP BY m;  -- refused: grouping_form
SELECT CASE WHEN sex = 'B801200005001' THEN 'a' END AS m, COUNT(*) AS n FROM child_year GROUP BY m;  -- refused: literal_outside_domain
SELECT CASE WHEN uasc THEN 'a; DROP TABLE child_year' END AS m, COUNT(*) AS n FROM child_year GROUP BY m;  -- refused: grouping_form
SELECT CASE WHEN uasc THEN 'a'' OR ''1''=''1' END AS m, COUNT(*) AS n FROM child_year GROUP BY m;  -- refused: grouping_form
SELECT CASE WHEN uasc THEN '=HYPERLINK("x")' END AS m, COUNT(*) AS n FROM child_year GROUP BY m;  -- refused: grouping_form
SELECT CASE WHEN uasc THEN '<script>' END AS m, COUNT(*) AS n FROM child_year GROUP BY m;  -- refused: grouping_form
SELECT CASE WHEN uasc THEN '=1+1' END AS m, COUNT(*) AS n FROM child_year GROUP BY m;  -- refused: grouping_form
SELECT CASE WHEN uasc THEN 'Total' END AS m, COUNT(*) AS n FROM child_year GROUP BY m;  -- refused: grouping_form
SELECT CASE WHEN uasc THEN ' Total' END AS m, COUNT(*) AS n FROM child_year GROUP BY m;  -- refused: grouping_form
SELECT COUNT(*) AS upn_B801200005001 FROM child_year;  -- refused: label_invalid
SELECT COUNT(*) AS n FROM child_year ORDER BY B801200005001;  -- refused: view_form
SELECT COUNT(*) AS n FROM child_year HAVING n = 'B801200005001';  -- refused: view_form

-- Views that reach beneath the release
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex HAVING child = '0';  -- refused: view_form
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex HAVING MAX(suspensions) > 5;  -- refused: view_form
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex HAVING SUM(suspensions) > 5;  -- refused: view_form
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex HAVING COUNT(DISTINCT child) < 5;  -- refused: view_form
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex HAVING n / 0 > 1;  -- refused: view_form
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex HAVING n IS NULL;  -- refused: expression
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex HAVING EXISTS (SELECT 1);  -- refused: subquery
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex HAVING sex = 'M';  -- refused: view_form
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex ORDER BY child;  -- refused: view_form
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex ORDER BY SUM(suspensions);  -- refused: view_form
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex ORDER BY random();  -- refused: view_form
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex ORDER BY CASE WHEN n = 3 THEN 1 ELSE 2 END;  -- refused: view_form
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex ORDER BY ALL;  -- refused: view_form
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex LIMIT (SELECT COUNT(*) FROM child_year);  -- refused: view_form
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex LIMIT 50%;  -- refused: expression
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex LIMIT -1;  -- refused: view_form
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex LIMIT 1 OFFSET -1;  -- refused: view_form
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex LIMIT 99999999999999999999;  -- refused: view_form
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex FETCH FIRST 1 ROW WITH TIES;  -- refused: expression
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex QUALIFY ROW_NUMBER() OVER () = 1;  -- refused: clause
SELECT sex, COUNT(*) AS n, ROW_NUMBER() OVER (ORDER BY child) AS r FROM child_year GROUP BY sex;  -- refused: clause
SELECT sex, COUNT(*) AS n, SUM(COUNT(*)) OVER () AS r FROM child_year GROUP BY sex;  -- refused: clause
SELECT DISTINCT ON (sex) sex, COUNT(*) AS n FROM child_year GROUP BY sex;  -- refused: distinct
SELECT GROUPING(sex) AS g, sex, COUNT(*) AS n FROM child_year GROUP BY ROLLUP (sex);  -- refused: function

-- Filters that pin a child
SELECT AVG(suspensions) FILTER (WHERE child = '0') AS n FROM child_year;  -- refused: key_misused
SELECT CORR(suspensions, child) AS n FROM child_year;  -- refused: key_misused
SELECT REGR_SLOPE(child, age) AS n FROM child_year;  -- refused: key_misused
SELECT MEDIAN(child) AS n FROM child_year;  -- refused: key_misused
SELECT WEIGHTED_AVG(suspensions, child) AS n FROM child_year;  -- refused: key_misused
SELECT SUM(suspensions * child) AS n FROM child_year;  -- refused: key_misused
SELECT SUM(suspensions) FILTER (WHERE suspensions = (SELECT MAX(suspensions) FROM child_year)) AS n FROM child_year;  -- refused: subquery
SELECT COUNT(*) FILTER (WHERE random() < 0.5) AS n FROM child_year;  -- refused: function
SELECT PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY child) AS n FROM child_year;  -- refused: key_misused
SELECT PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY CASE WHEN uasc THEN suspensions END) AS n FROM child_year;  -- refused: expression
SELECT months_in_care, COUNT(*) AS n FROM child_year GROUP BY months_in_care;  -- refused: measure_grouped
SELECT attendance_rate, COUNT(*) AS n FROM child_year GROUP BY attendance_rate;  -- refused: measure_grouped
SELECT host_authority, age, sex, need, ethnicity_major, COUNT(*) AS n FROM child_year GROUP BY host_authority, age, sex, need, ethnicity_major, SQL;  -- refused: unknown_column

-- Approvers misled
SELECT COUNT(*) FROM child_year -- counted by region only
WHERE uasc;  -- refused: comment
SELECT COUNT(*) /* template 4 */ FROM child_year;  -- refused: comment
SELECT COUNT(*) AS "n
, approved" FROM child_year;  -- refused: label_invalid
SELECT COUNT(*) AS home_authority FROM child_year;  -- refused: label_repeated
SELECT sex AS uasc, uasc AS sex, sex AS SEX, COUNT(*) AS n FROM child_year GROUP BY sex, uasc;  -- refused: label_repeated

-- Forms of one engine
SELECT COLUMNS('.*') FROM child_year;  -- refused: function
SELECT * EXCLUDE (child) FROM child_year;  -- refused: star
SELECT * REPLACE (1 AS child) FROM child_year;  -- refused: star
SELECT child_year FROM child_year;  -- refused: unknown_column
SELECT COUNT(child_year.*) AS n FROM child_year;  -- refused: star
SELECT UNNEST([1, 2]) AS x, COUNT(*) AS n FROM child_year;  -- refused: function
SELECT [sex FOR sex IN [1]] AS x, COUNT(*) AS n FROM child_year;  -- refused: function
SELECT {'a': sex} AS x, COUNT(*) AS n FROM child_year;  -- refused: function
SELECT x -> x + 1 AS f, COUNT(*) AS n FROM child_year;  -- refused: function
SELECT COUNT(*) FROM child_year AT (VERSION => 1);  -- refused: clause
SELECT COUNT(*) FROM child_year AS c (a, b);  -- refused: expression
SELECT COUNT(*) FROM child_year PIVOT (COUNT(*) FOR sex IN ('M'));  -- refused: clause
PIVOT child_year ON sex USING COUNT(*);  -- refused: not_a_select
UNPIVOT child_year ON sex INTO NAME a VALUE b;  -- refused: not_a_select
SELECT COUNT(*) FROM ONLY child_year;  -- refused: clause
SELECT COUNT(*) FROM child_year FOR UPDATE;  -- refused: clause
SELECT COUNT(*) FROM child_year WHERE sex IS DISTINCT FROM 'M';  -- refused: expression
SELECT COUNT(*) FROM child_year WHERE sex SIMILAR TO 'M';  -- refused: expression
SELECT COUNT(*) FROM child_year WHERE sex GLOB 'M*';  -- refused: expression
SELECT COUNT(*) FROM child_year WHERE sex ~ 'M';  -- refused: function
SELECT COUNT(*) FROM child_year WHERE age BETWEEN SYMMETRIC 6 AND 4;  -- refused: expression
SELECT COUNT(*) FROM child_year WHERE sex COLLATE NOCASE = 'M';  -- refused: function
SELECT COUNT(*) FROM child_year WHERE (sex, age) IN (('M', 4));  -- refused: expression
