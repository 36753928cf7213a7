-- Texts that try to reach past the governed tables or past what may be asked of them. Every one must be refused.

-- Files
SELECT COUNT(*) FROM read_csv('/etc/passwd');
SELECT COUNT(*) FROM read_parquet('snapshots/identified/children.parquet');
SELECT COUNT(*) FROM read_text('key.json');
SELECT COUNT(*) FROM read_blob('key.json');
SELECT COUNT(*) FROM glob('*');
SELECT COUNT(*) FROM '/etc/passwd';
SELECT COUNT(*) FROM "children.parquet";
SELECT COUNT(*) FROM parquet_metadata('child_year.parquet');
COPY child_year TO '/tmp/out.csv';
COPY (SELECT * FROM child_year) TO '/tmp/out.csv';
EXPORT DATABASE '/tmp/out';
IMPORT DATABASE '/tmp/out';

-- Environment, settings and other catalogs
SELECT COUNT(*) AS n, getenv('HOME') AS home FROM child_year;
SELECT COUNT(*) FROM child_year WHERE getenv('HOME') = 'x';
SELECT COUNT(*) FROM duckdb_settings();
SELECT COUNT(*) FROM information_schema.tables;
SELECT COUNT(*) FROM pg_catalog.pg_class;
SELECT COUNT(*) FROM sqlite_master;
SELECT current_setting('allowed_paths') AS s, COUNT(*) FROM child_year;
SELECT COUNT(*) FROM pragma_table_info('child_year');
PRAGMA database_list;
PRAGMA table_info('child_year');
SET enable_external_access = true;
RESET lock_configuration;
CALL pragma_version();
DESCRIBE child_year;
SHOW TABLES;
SUMMARIZE child_year;
EXPLAIN SELECT COUNT(*) FROM child_year;

-- Extensions and databases
INSTALL httpfs;
LOAD httpfs;
ATTACH '/tmp/other.db' AS other;
DETACH child_year;
USE other;
SELECT COUNT(*) FROM other.main.child_year;
SELECT COUNT(*) FROM sqlite_scan('hub.sqlite', 'log');
SELECT COUNT(*) FROM postgres_scan('host=db', 'public', 't');

-- Writing
INSERT INTO child_year VALUES (1);
UPDATE child_year SET sex = 'M';
DELETE FROM child_year;
DROP VIEW child_year;
CREATE TABLE t AS SELECT * FROM child_year;
CREATE MACRO f(x) AS x;
ALTER TABLE child_year ADD COLUMN x INT;
BEGIN TRANSACTION;
VACUUM;
CHECKPOINT;

-- Queries within queries
SELECT COUNT(*) FROM (SELECT * FROM child_year);
SELECT COUNT(*) FROM (SELECT child, COUNT(*) AS n FROM child_year GROUP BY child) WHERE n = 1;
WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r) SELECT COUNT(*) FROM r;
SELECT COUNT(*) FROM child_year WHERE age = (SELECT MAX(age) FROM child_year);
SELECT COUNT(*) FROM child_year WHERE EXISTS (SELECT 1 FROM pupil_year);
SELECT COUNT(*) FROM child_year WHERE age = ANY (SELECT 4);
SELECT COUNT(*) FROM child_year, LATERAL (SELECT 1);
SELECT COUNT(*) FROM child_year NATURAL JOIN pupil_year;
SELECT COUNT(*) FROM child_year ASOF JOIN pupil_year USING (academic_year);
SELECT COUNT(*) FROM child_year POSITIONAL JOIN pupil_year;
SELECT COUNT(*) FROM child_year EXCEPT SELECT COUNT(*) FROM pupil_year;
SELECT COUNT(*) FROM VALUES (1);
TABLE child_year;
VALUES (1);
FROM child_year;
(SELECT COUNT(*) FROM child_year);

-- One child
SELECT COUNT(*) FROM child_year WHERE child = '0123456789abcdef0123456789abcdef';
SELECT COUNT(*) FROM child_year WHERE child IN ('0123456789abcdef0123456789abcdef');
SELECT COUNT(*) FROM child_year WHERE child < '8';
SELECT COUNT(*) FROM child_year WHERE child BETWEEN '0' AND '1';
SELECT COUNT(*) FROM child_year WHERE child LIKE '0%';
SELECT COUNT(*) FILTER (WHERE child > '8') AS n FROM child_year;
SELECT SUM(CASE WHEN child = '0' THEN 1 ELSE 0 END) AS n FROM child_year;
SELECT child, COUNT(*) AS n FROM child_year GROUP BY child;
SELECT MIN(child) AS first, COUNT(*) AS n FROM child_year;
SELECT STRING_AGG(child, ',') AS children, COUNT(*) AS n FROM child_year;
SELECT LIST(child) AS children, COUNT(*) AS n FROM child_year;
SELECT ANY_VALUE(child) AS one, COUNT(*) AS n FROM child_year;
SELECT HASH(child) AS one, COUNT(*) AS n FROM child_year GROUP BY HASH(child);
SELECT rowid, COUNT(*) AS n FROM child_year GROUP BY rowid;
SELECT COUNT(*) FROM child_year WHERE rowid = 5;
SELECT COUNT(*) FROM child_year WHERE file_row_number = 5;
SELECT COUNT(DISTINCT child || sex) AS n FROM child_year;
SELECT COUNT(DISTINCT (child, sex)) AS n FROM child_year;
SELECT COUNT(DISTINCT child, sex) AS n FROM child_year;
SELECT MAX(suspensions) AS most, COUNT(*) AS n FROM child_year;
SELECT ARG_MAX(age, suspensions) AS age, COUNT(*) AS n FROM child_year;
SELECT APPROX_QUANTILE(suspensions, 0.5) AS q, COUNT(*) AS n FROM child_year;

-- Identifiers smuggled through constants
SELECT COUNT(*) FROM child_year WHERE sex = 'B801200005001';
SELECT COUNT(*) FROM child_year WHERE host_authority = '301'' OR ''1''=''1';
SELECT COUNT(*) FROM child_year WHERE sex IN ('M', 'B801200005001');
SELECT COUNT(*) FROM child_year WHERE need = E'N1\x00';
SELECT COUNT(*) FROM child_year WHERE sex = $$M$$;
SELECT COUNT(*) FROM child_year WHERE sex = X'4D';
SELECT COUNT(*) FROM child_year WHERE sex = U&'\004D';
SELECT COUNT(*) FROM child_year WHERE age = 0x04;
SELECT COUNT(*) FROM child_year WHERE sex = ?;
SELECT COUNT(*) FROM child_year WHERE sex = $1;
SELECT COUNT(*) FROM child_year WHERE sex = :sex;
SELECT COUNT(*) FROM child_year WHERE age = 20240917;
SELECT COUNT(*) FROM child_year WHERE attendance_rate = 0.93125;

-- Side channels: errors, division, casts, time
SELECT COUNT(*) FROM child_year WHERE 1 / (age - 4) > 0;
SELECT SUM(1 / suspensions) AS x FROM child_year;
SELECT COUNT(*) FROM child_year WHERE CAST(child AS INT) = 1;
SELECT COUNT(*) FROM child_year WHERE child::INT = 1;
SELECT COUNT(*) FROM child_year WHERE TRY_CAST(child AS INT) IS NULL;
SELECT COUNT(*) FROM child_year WHERE CASE WHEN uasc THEN error('yes') ELSE TRUE END;
SELECT SUM(CASE WHEN uasc THEN error('yes') ELSE 0 END) AS x FROM child_year;
SELECT SUM(CASE WHEN uasc THEN 1000000 ELSE 0 END) AS x FROM child_year;
SELECT SUM(CASE WHEN uasc THEN 1 WHEN sex = 'M' THEN 1 ELSE 0 END) AS x FROM child_year;
SELECT SUM(CASE sex WHEN 'M' THEN 1 ELSE 0 END) AS x FROM child_year;
SELECT SUM(IF(uasc, 1, 0)) AS x FROM child_year;
SELECT COUNT_IF(uasc) AS x FROM child_year;
SELECT SUM(suspensions * 1000000) AS x FROM child_year;
SELECT SUM(suspensions) / COUNT(*) AS x FROM child_year;
SELECT SUM(suspensions) + SUM(placements) AS x FROM child_year;
SELECT COUNT(*) FROM child_year WHERE sleep(10) IS NULL;
SELECT COUNT(*) FROM child_year WHERE random() < 0.5;
SELECT COUNT(*) FROM child_year TABLESAMPLE 1 ROWS;
SELECT COUNT(*) FROM child_year USING SAMPLE 1;
SELECT nextval('s') AS x, COUNT(*) FROM child_year;

-- Quasi-identifiers and measures without bins
SELECT months_in_care, COUNT(*) AS n FROM child_year GROUP BY months_in_care;
SELECT attendance_rate, COUNT(*) AS n FROM child_year GROUP BY attendance_rate;
SELECT host_authority, age, sex, need, ethnicity_major, COUNT(*) AS n FROM child_year GROUP BY host_authority, age, sex, need, ethnicity_major, SQL;

-- Approvers misled
SELECT COUNT(*) FROM child_year -- counted by region only
WHERE uasc;
SELECT COUNT(*) /* template 4 */ FROM child_year;
SELECT COUNT(*) AS "n
, approved" FROM child_year;
SELECT COUNT(*) AS home_authority FROM child_year;
SELECT sex AS uasc, uasc AS sex, sex AS SEX, COUNT(*) AS n FROM child_year GROUP BY sex, uasc;

-- Forms of one engine
SELECT COLUMNS('.*') FROM child_year;
SELECT * EXCLUDE (child) FROM child_year;
SELECT * REPLACE (1 AS child) FROM child_year;
SELECT child_year FROM child_year;
SELECT COUNT(child_year.*) AS n FROM child_year;
SELECT UNNEST([1, 2]) AS x, COUNT(*) AS n FROM child_year;
SELECT [sex FOR sex IN [1]] AS x, COUNT(*) AS n FROM child_year;
SELECT {'a': sex} AS x, COUNT(*) AS n FROM child_year;
SELECT x -> x + 1 AS f, COUNT(*) AS n FROM child_year;
SELECT COUNT(*) FROM child_year AT (VERSION => 1);
SELECT COUNT(*) FROM child_year AS c (a, b);
SELECT COUNT(*) FROM child_year PIVOT (COUNT(*) FOR sex IN ('M'));
PIVOT child_year ON sex USING COUNT(*);
UNPIVOT child_year ON sex INTO NAME a VALUE b;
SELECT COUNT(*) FROM ONLY child_year;
SELECT COUNT(*) FROM child_year FOR UPDATE;
SELECT COUNT(*) FROM child_year WHERE sex IS DISTINCT FROM 'M';
SELECT COUNT(*) FROM child_year WHERE sex SIMILAR TO 'M';
SELECT COUNT(*) FROM child_year WHERE sex GLOB 'M*';
SELECT COUNT(*) FROM child_year WHERE sex ~ 'M';
SELECT COUNT(*) FROM child_year WHERE age BETWEEN SYMMETRIC 6 AND 4;
SELECT COUNT(*) FROM child_year WHERE sex COLLATE NOCASE = 'M';
SELECT COUNT(*) FROM child_year WHERE (sex, age) IN (('M', 4));
