-- Texts that try to reach one child, another table or the engine by way of FROM. Every one must be refused.

-- One child
SELECT COUNT(*) AS n FROM child_year c JOIN placements p ON p.child = c.child AND c.child = '0123456789abcdef0123456789abcdef';
SELECT COUNT(*) AS n FROM child_year c JOIN placements p USING (child) WHERE p.child = '0123456789abcdef0123456789abcdef';
SELECT COUNT(*) AS n FROM child_year c JOIN placements p USING (child) WHERE p.child = c.child;
SELECT COUNT(*) AS n FROM (SELECT child, COUNT(*) AS n FROM placements WHERE child > '8' GROUP BY child) p;
SELECT MIN(child) AS n FROM child_year JOIN placements USING (child);
SELECT COUNT(*) AS k FROM (SELECT child, MAX(child) AS n FROM placements GROUP BY child) p;
SELECT p.child, COUNT(*) AS k FROM (SELECT child, COUNT(*) AS n FROM placements GROUP BY child) p GROUP BY p.child;
SELECT MAX(n) AS k FROM (SELECT child, COUNT(*) AS n FROM placements GROUP BY child) p;
SELECT n, COUNT(*) AS k FROM (SELECT child, COUNT(*) AS n FROM placements GROUP BY child) p GROUP BY n;
SELECT COUNT(*) AS k FROM child_year a JOIN child_year b ON a.child < b.child;

-- Comparing columns, and dividing by data
SELECT COUNT(*) AS n FROM child_year c JOIN placements p USING (child) WHERE c.age = p.age;
SELECT COUNT(*) AS n FROM child_year c JOIN placements p ON c.child = p.child AND 1 / (c.age - 4) > 0;
SELECT SUM(d / n) AS r FROM (SELECT child, SUM(months) AS d, COUNT(*) AS n FROM placements GROUP BY child) p;
SELECT COUNT(*) AS k FROM (SELECT child, SUM(months) / COUNT(*) AS n FROM placements GROUP BY child) p;

-- Other tables and files
SELECT COUNT(*) FROM child_year c JOIN read_parquet('identified/children.parquet') v USING (child);
SELECT COUNT(*) FROM child_year c JOIN main.placements p USING (child);
SELECT COUNT(*) FROM child_year c JOIN 'placements.parquet' p USING (child);
SELECT COUNT(*) FROM child_year c JOIN information_schema.tables t USING (child);
WITH t AS (SELECT * FROM read_csv('/etc/passwd')) SELECT COUNT(*) FROM t;
WITH child_year AS (SELECT child, COUNT(*) AS n FROM placements GROUP BY child) SELECT COUNT(*) FROM child_year;
SELECT COUNT(*) FROM (SELECT child, COUNT(*) AS n FROM glob('*') GROUP BY child) t;
SELECT COUNT(*) FROM (SELECT child, getenv('HOME') AS n FROM placements GROUP BY child) t;
SELECT COUNT(*) FROM child_year c JOIN pupil_year p ON p.pupil = c.child;

-- Without end
WITH RECURSIVE r AS (SELECT child, COUNT(*) AS n FROM r GROUP BY child) SELECT COUNT(*) FROM r;
WITH a AS (SELECT child, COUNT(*) AS n FROM b GROUP BY child), b AS (SELECT child, COUNT(*) AS n FROM a GROUP BY child) SELECT COUNT(*) FROM a;
SELECT COUNT(*) FROM child_year, placements, exclusions, absences;
SELECT COUNT(*) FROM child_year CROSS JOIN placements;
SELECT COUNT(*) FROM child_year c JOIN placements p ON TRUE;
SELECT COUNT(*) FROM child_year c JOIN placements p ON c.child = p.child OR TRUE;
SELECT COUNT(*) FROM child_year c, LATERAL (SELECT child, COUNT(*) AS n FROM placements GROUP BY child) p;
