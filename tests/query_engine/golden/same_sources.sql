-- Blocks of statements over joined and worked-out tables, each block one question in several spellings.

-- The order of an inner join, USING and ON, aliases, and whose academic year is named
SELECT c.sex, COUNT(*) AS n FROM child_year c JOIN placements p ON p.child = c.child AND p.academic_year = c.academic_year WHERE c.academic_year = 202425 GROUP BY c.sex;
SELECT x.sex, COUNT(*) AS n FROM placements JOIN child_year AS x USING (academic_year, child) WHERE academic_year = 202425 GROUP BY 1;
SELECT child_year.sex, COUNT(*) AS n FROM child_year INNER JOIN placements q ON child_year.academic_year = q.academic_year AND (q.child = child_year.child) WHERE q.academic_year = 202425 GROUP BY child_year.sex;

-- Three tables in any order
SELECT COUNT(*) AS n FROM child_year c JOIN placements p USING (child, academic_year) JOIN exclusions e USING (child, academic_year);
SELECT COUNT(*) AS n FROM exclusions e JOIN child_year c USING (child, academic_year) JOIN placements p ON p.child = e.child AND p.academic_year = c.academic_year;

-- WITH and brackets, aliases and labels, the order of columns, and columns that nothing uses
SELECT AVG(e.moves) AS a FROM child_year c JOIN (SELECT child, COUNT(*) AS moves FROM exclusions GROUP BY child) e USING (child);
WITH x AS (SELECT COUNT(*) AS n, child FROM exclusions AS t GROUP BY t.child) SELECT AVG(n) AS b FROM child_year JOIN x ON x.child = child_year.child;
SELECT AVG(f.k) AS a FROM (SELECT child, SUM(days_lost) AS d, COUNT(*) AS k FROM exclusions GROUP BY child) f JOIN child_year USING (child);

-- The conditions of a worked-out table in any spelling
SELECT SUM(n) AS s FROM (SELECT child, COUNT(*) FILTER (WHERE exclusion_category = 'suspension') AS n FROM exclusions WHERE academic_year = 202425 GROUP BY child) e;
SELECT SUM(n) AS s FROM (SELECT child, SUM(CASE WHEN exclusion_category = 'suspension' THEN 1 ELSE 0 END) AS n FROM exclusions WHERE academic_year BETWEEN 202425 AND 202425 GROUP BY child) e;
SELECT SUM(n) AS s FROM (SELECT child, COUNT(*) FILTER (WHERE exclusion_category = 'suspension' AND academic_year = 202425) AS n FROM exclusions WHERE NOT academic_year <> 202425 GROUP BY child) e;

-- A count of rows is 1 at least
SELECT COUNT(*) AS k FROM (SELECT child, COUNT(*) AS n FROM exclusions GROUP BY child) e;
SELECT COUNT(*) AS k FROM (SELECT child, COUNT(*) AS n FROM exclusions GROUP BY child) e WHERE n >= 1;
SELECT COUNT(*) AS k FROM (SELECT child, MAX(days_lost) AS m FROM exclusions GROUP BY child) e;

-- No row, and none counted
SELECT COUNT(*) AS k FROM child_year c LEFT JOIN (SELECT child, COUNT(*) AS n FROM exclusions GROUP BY child) e USING (child) WHERE n IS NULL;
SELECT COUNT(*) AS k FROM child_year c LEFT JOIN (SELECT child, COUNT(*) AS n FROM exclusions GROUP BY child) e USING (child) WHERE COALESCE(n, 0) = 0;
SELECT COUNT(*) AS k FROM child_year c LEFT JOIN (SELECT child, COUNT(*) AS n FROM exclusions GROUP BY child) e USING (child) WHERE NOT IFNULL(e.n, 0) > 0;

-- A LEFT JOIN of which only matches are kept
SELECT COUNT(*) AS k FROM child_year c JOIN placements p USING (child) WHERE p.placement_type = 'foster_other';
SELECT COUNT(*) AS k FROM child_year c LEFT JOIN placements p USING (child) WHERE p.placement_type = 'foster_other';
SELECT COUNT(*) AS k FROM placements p LEFT OUTER JOIN child_year c USING (child) WHERE p.placement_type = 'foster_other' AND c.academic_year IS NOT NULL;

-- A LEFT JOIN with a count above none
SELECT SUM(n) AS k FROM child_year c JOIN (SELECT child, COUNT(*) AS n FROM exclusions GROUP BY child) e USING (child) WHERE n >= 2;
SELECT SUM(COALESCE(n, 0)) AS k FROM child_year c LEFT JOIN (SELECT child, COUNT(*) AS n FROM exclusions GROUP BY child) e USING (child) WHERE COALESCE(n, 0) >= 2;

-- Arithmetic on columns of tables that are joined
SELECT c.age + 30 - p.age AS g, COUNT(*) AS n FROM child_year c JOIN placements p USING (child, academic_year) GROUP BY g;
SELECT 30 - q.age + child_year.age AS h, COUNT(*) AS n FROM placements q JOIN child_year USING (child, academic_year) GROUP BY 1;
