-- Blocks of statements over joined and worked-out tables, each block different questions: no two may have one plan id.

-- Joined on what, and how
SELECT COUNT(*) AS n FROM child_year;
SELECT COUNT(*) AS n FROM placements;
SELECT COUNT(*) AS n FROM child_year JOIN placements USING (child);
SELECT COUNT(*) AS n FROM child_year JOIN placements USING (child, academic_year);
SELECT COUNT(*) AS n FROM child_year LEFT JOIN placements USING (child);
SELECT COUNT(*) AS n FROM child_year LEFT JOIN placements USING (child, academic_year);
SELECT COUNT(*) AS n FROM placements LEFT JOIN child_year USING (child, academic_year);
SELECT COUNT(*) AS n FROM child_year JOIN exclusions USING (child);

-- Which of three is joined by year
SELECT COUNT(*) AS n FROM child_year c JOIN placements p USING (child, academic_year) JOIN exclusions e USING (child);
SELECT COUNT(*) AS n FROM child_year c JOIN placements p USING (child) JOIN exclusions e ON e.child = c.child AND e.academic_year = c.academic_year;
SELECT COUNT(*) AS n FROM child_year c JOIN placements p USING (child) JOIN exclusions e ON e.child = c.child AND e.academic_year = p.academic_year;

-- Whose column
SELECT COUNT(*) AS n FROM child_year c JOIN placements p USING (child, academic_year) WHERE c.sex = 'M';
SELECT COUNT(*) AS n FROM child_year c JOIN placements p USING (child, academic_year) WHERE p.sex = 'M';

-- What is worked out for each child
SELECT SUM(n) AS s FROM (SELECT child, COUNT(*) AS n FROM exclusions GROUP BY child) e;
SELECT SUM(n) AS s FROM (SELECT child, academic_year, COUNT(*) AS n FROM exclusions GROUP BY child, academic_year) e;
SELECT SUM(n) AS s FROM (SELECT child, COUNT(*) AS n FROM placements GROUP BY child) e;
SELECT SUM(n) AS s FROM (SELECT child, COUNT(days_lost) AS n FROM exclusions GROUP BY child) e;
SELECT SUM(n) AS s FROM (SELECT child, COUNT(*) FILTER (WHERE sex = 'M') AS n FROM exclusions GROUP BY child) e;
SELECT SUM(n) AS s FROM (SELECT child, COUNT(*) AS n FROM exclusions WHERE sex = 'M' GROUP BY child) e;
SELECT SUM(n) AS s FROM (SELECT child, SUM(days_lost) AS n FROM exclusions GROUP BY child) e;
SELECT SUM(n) AS s FROM (SELECT child, MIN(days_lost) AS n FROM exclusions GROUP BY child) e;
SELECT SUM(n) AS s FROM (SELECT child, MAX(days_lost) AS n FROM exclusions GROUP BY child) e;

-- With and without the children who have none
SELECT AVG(n) AS a FROM child_year c JOIN (SELECT child, COUNT(*) AS n FROM exclusions GROUP BY child) e USING (child);
SELECT AVG(n) AS a FROM child_year c LEFT JOIN (SELECT child, COUNT(*) AS n FROM exclusions GROUP BY child) e USING (child);
SELECT AVG(COALESCE(n, 0)) AS a FROM child_year c LEFT JOIN (SELECT child, COUNT(*) AS n FROM exclusions GROUP BY child) e USING (child);

-- Arithmetic on columns of one name
SELECT c.age // 5 AS g, COUNT(*) AS n FROM child_year c JOIN placements p USING (child, academic_year) GROUP BY g;
SELECT p.age // 5 AS g, COUNT(*) AS n FROM child_year c JOIN placements p USING (child, academic_year) GROUP BY g;
