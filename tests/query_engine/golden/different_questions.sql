-- Blocks of statements that look alike and are different questions: no two of a block may have one plan id.

-- Counting rows, and counting children
SELECT COUNT(*) AS n FROM child_year;
SELECT COUNT(DISTINCT child) AS n FROM child_year;

-- A sum and a mean, of a column and of a condition on it
SELECT SUM(suspensions) AS x FROM child_year;
SELECT AVG(suspensions) AS x FROM child_year;
SELECT SUM(CASE WHEN suspensions > 0 THEN 1 ELSE 0 END) AS x FROM child_year;
SELECT AVG(CASE WHEN suspensions > 0 THEN 1 ELSE 0 END) AS x FROM child_year;

-- A missing answer counted as no, and left out
SELECT AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS share FROM child_year;
SELECT AVG(uasc) AS share FROM child_year;

-- A filter on the table, and on one column of it
SELECT COUNT(*) AS n FROM child_year WHERE sex = 'M';
SELECT COUNT(*) FILTER (WHERE sex = 'M') AS n FROM child_year;

-- Missing values kept and dropped
SELECT COUNT(*) AS n FROM child_year WHERE sex IN ('M', 'F', 'U');
SELECT COUNT(*) AS n FROM child_year WHERE sex IN ('M', 'F', 'U') OR sex IS NULL;
SELECT COUNT(*) AS n FROM child_year WHERE sex IS NULL;

-- One value more
SELECT COUNT(*) AS n FROM child_year WHERE age BETWEEN 4 AND 6;
SELECT COUNT(*) AS n FROM child_year WHERE age BETWEEN 4 AND 7;
SELECT COUNT(*) AS n FROM child_year WHERE age > 4 AND age <= 6;

-- The last decimal place
SELECT COUNT(*) AS n FROM child_year WHERE attendance_rate < 0.9;
SELECT COUNT(*) AS n FROM child_year WHERE attendance_rate <= 0.9;

-- AND before OR
SELECT COUNT(*) AS n FROM child_year WHERE counted_here AND sex = 'M' OR uasc;
SELECT COUNT(*) AS n FROM child_year WHERE counted_here AND (sex = 'M' OR uasc);

-- Another dimension, and the same column of another table
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex;
SELECT uasc, COUNT(*) AS n FROM child_year GROUP BY uasc;
SELECT COUNT(*) AS n FROM child_year;
SELECT sex, COUNT(*) AS n FROM pupil_year GROUP BY sex;

-- One statistic more
SELECT COUNT(*) AS n FROM child_year;
SELECT COUNT(*) AS n, COUNT(DISTINCT child) AS c FROM child_year;
