-- Texts that try to reach one child, another table or the engine by way of FROM. Every one must be refused,
-- for the reason that stands behind it.

-- One child
SELECT COUNT(*) AS n FROM child_year c JOIN placements p ON p.child = c.child AND c.child = '0123456789abcdef0123456789abcdef';  -- refused: join
SELECT COUNT(*) AS n FROM child_year c JOIN placements p USING (child) WHERE p.child = '0123456789abcdef0123456789abcdef';  -- refused: key_misused
SELECT COUNT(*) AS n FROM child_year c JOIN placements p USING (child) WHERE p.child = c.child;  -- refused: key_misused
SELECT COUNT(*) AS n FROM (SELECT child, COUNT(*) AS n FROM placements WHERE child > '8' GROUP BY child) p;  -- refused: key_misused
SELECT MIN(child) AS n FROM child_year JOIN placements USING (child);  -- refused: function
SELECT COUNT(*) AS k FROM (SELECT child, MAX(child) AS n FROM placements GROUP BY child) p;  -- refused: key_misused
SELECT p.child, COUNT(*) AS k FROM (SELECT child, COUNT(*) AS n FROM placements GROUP BY child) p GROUP BY p.child;  -- refused: key_misused
SELECT MAX(n) AS k FROM (SELECT child, COUNT(*) AS n FROM placements GROUP BY child) p;  -- refused: function
SELECT n, COUNT(*) AS k FROM (SELECT child, COUNT(*) AS n FROM placements GROUP BY child) p GROUP BY n;  -- refused: measure_grouped
SELECT COUNT(*) AS k FROM child_year a JOIN child_year b ON a.child < b.child;  -- refused: join

-- Comparing columns, and dividing by data
SELECT COUNT(*) AS n FROM child_year c JOIN placements p USING (child) WHERE c.age = p.age;  -- refused: predicate_form
SELECT COUNT(*) AS n FROM child_year c JOIN placements p ON c.child = p.child AND 1 / (c.age - 4) > 0;  -- refused: join
SELECT SUM(d / n) AS r FROM (SELECT child, SUM(months) AS d, COUNT(*) AS n FROM placements GROUP BY child) p;  -- refused: expression
SELECT COUNT(*) AS k FROM (SELECT child, SUM(months) / COUNT(*) AS n FROM placements GROUP BY child) p;  -- refused: expression

-- Other tables and files
SELECT COUNT(*) FROM child_year c JOIN read_parquet('identified/children.parquet') v USING (child);  -- refused: function
SELECT COUNT(*) FROM child_year c JOIN main.placements p USING (child);  -- refused: unknown_table
SELECT COUNT(*) FROM child_year c JOIN 'placements.parquet' p USING (child);  -- refused: unknown_table
SELECT COUNT(*) FROM child_year c JOIN information_schema.tables t USING (child);  -- refused: unknown_table
WITH t AS (SELECT * FROM read_csv('/etc/passwd')) SELECT COUNT(*) FROM t;  -- refused: function
WITH child_year AS (SELECT child, COUNT(*) AS n FROM placements GROUP BY child) SELECT COUNT(*) FROM child_year;  -- refused: common_table
SELECT COUNT(*) FROM (SELECT child, COUNT(*) AS n FROM glob('*') GROUP BY child) t;  -- refused: function
SELECT COUNT(*) FROM (SELECT child, getenv('HOME') AS n FROM placements GROUP BY child) t;  -- refused: function
SELECT COUNT(*) FROM child_year c JOIN pupil_year p ON p.pupil = c.child;  -- refused: join

-- Without end
WITH RECURSIVE r AS (SELECT child, COUNT(*) AS n FROM r GROUP BY child) SELECT COUNT(*) FROM r;  -- refused: common_table
WITH a AS (SELECT child, COUNT(*) AS n FROM b GROUP BY child), b AS (SELECT child, COUNT(*) AS n FROM a GROUP BY child) SELECT COUNT(*) FROM a;  -- refused: unknown_table
SELECT COUNT(*) FROM child_year, placements, exclusions, absences;  -- refused: join
SELECT COUNT(*) FROM child_year CROSS JOIN placements;  -- refused: join
SELECT COUNT(*) FROM child_year c JOIN placements p ON TRUE;  -- refused: join
SELECT COUNT(*) FROM child_year c JOIN placements p ON c.child = p.child OR TRUE;  -- refused: join
SELECT COUNT(*) FROM child_year c, LATERAL (SELECT child, COUNT(*) AS n FROM placements GROUP BY child) p;  -- refused: join
