-- Blocks of statements, each block one question in several spellings: all must have one plan id.
-- A line of two dashes and a title opens a block; statements end with a semicolon.

-- White space, letter case, aliases and labels
SELECT sex, COUNT(*) AS n FROM child_year WHERE population = 'looked_after' GROUP BY sex;
select   SEX as gender , count( * )   as "children"
from CHILD_YEAR as c
where C.Population='looked_after'
group by c.sex;

-- The order of AND
SELECT COUNT(*) AS n FROM child_year WHERE counted_here AND population = 'looked_after' AND age >= 5;
SELECT COUNT(*) AS n FROM child_year WHERE age >= 5 AND (population = 'looked_after' AND counted_here);

-- The order of OR, and one side said twice
SELECT COUNT(*) AS n FROM child_year WHERE sex = 'M' OR uasc;
SELECT COUNT(*) AS n FROM child_year WHERE uasc OR sex = 'M' OR (uasc AND uasc);

-- The order of an IN list, and IN for a chain of OR
SELECT COUNT(*) AS n FROM child_year WHERE key_stage IN ('key_stage_1', 'key_stage_2');
SELECT COUNT(*) AS n FROM child_year WHERE key_stage IN ('key_stage_2', 'key_stage_1', 'key_stage_2');
SELECT COUNT(*) AS n FROM child_year WHERE key_stage = 'key_stage_2' OR 'key_stage_1' = key_stage;

-- BETWEEN, two comparisons, strict comparisons of whole numbers, and a list
SELECT COUNT(*) AS n FROM child_year WHERE age BETWEEN 4 AND 6;
SELECT COUNT(*) AS n FROM child_year WHERE age >= 4 AND age <= 6;
SELECT COUNT(*) AS n FROM child_year WHERE 3 < age AND NOT age > 6;
SELECT COUNT(*) AS n FROM child_year WHERE age IN (6, 5, 4);

-- A strict comparison of a decimal
SELECT COUNT(*) AS n FROM child_year WHERE attendance_rate < 0.9;
SELECT COUNT(*) AS n FROM child_year WHERE attendance_rate <= 0.8999;
SELECT COUNT(*) AS n FROM child_year WHERE NOT attendance_rate >= 0.90;

-- A yes/no column alone, compared, and denied
SELECT COUNT(*) AS n FROM child_year WHERE uasc;
SELECT COUNT(*) AS n FROM child_year WHERE uasc = TRUE;
SELECT COUNT(*) AS n FROM child_year WHERE NOT uasc = false;
SELECT COUNT(*) AS n FROM child_year WHERE NOT (NOT uasc);

-- Everything but one category
SELECT COUNT(*) AS n FROM child_year WHERE sex <> 'M';
SELECT COUNT(*) AS n FROM child_year WHERE NOT sex = 'M';
SELECT COUNT(*) AS n FROM child_year WHERE sex IN ('F', 'U');
SELECT COUNT(*) AS n FROM child_year WHERE sex NOT IN ('M') AND sex IS NOT NULL;

-- De Morgan
SELECT COUNT(*) AS n FROM child_year WHERE NOT (sex = 'M' OR uasc);
SELECT COUNT(*) AS n FROM child_year WHERE sex <> 'M' AND NOT uasc;

-- Distribution
SELECT COUNT(*) AS n FROM child_year WHERE counted_here AND (sex = 'M' OR uasc);
SELECT COUNT(*) AS n FROM child_year WHERE (counted_here AND sex = 'M') OR (uasc AND counted_here);

-- A condition that says nothing, and a missing value that cannot be
SELECT COUNT(*) AS n FROM child_year;
SELECT COUNT(*) AS n FROM child_year WHERE sex IN ('M', 'F', 'U') OR sex IS NULL;
SELECT COUNT(*) AS n FROM child_year WHERE counted_here OR NOT counted_here;
SELECT COUNT(*) AS n FROM child_year WHERE academic_year IS NOT NULL;

-- A filtered count, a sum of ones, and their order
SELECT COUNT(*) FILTER (WHERE persistent_absentee) AS pa, COUNT(*) AS n FROM child_year;
SELECT COUNT(*) AS n, SUM(CASE WHEN persistent_absentee THEN 1 ELSE 0 END) AS pa FROM child_year;
SELECT SUM(CASE WHEN persistent_absentee = TRUE THEN 1 ELSE 0 END) AS a, COUNT(*) AS b FROM child_year;

-- What the filter already says, said again in a condition
SELECT COUNT(*) FILTER (WHERE sex = 'M') AS m FROM child_year WHERE academic_year = 202425;
SELECT COUNT(*) FILTER (WHERE sex = 'M' AND academic_year = 202425) AS m FROM child_year WHERE academic_year = 202425;
SELECT COUNT(*) FILTER (WHERE sex = 'M' OR academic_year < 202425) AS m FROM child_year WHERE academic_year = 202425;

-- The order of grouping and of columns
SELECT sex, uasc, COUNT(*) AS n, AVG(suspensions) AS mean FROM child_year GROUP BY sex, uasc;
SELECT AVG(suspensions) AS mean, uasc, COUNT(*) AS n, sex FROM child_year GROUP BY uasc, sex;

-- A column asked for twice
SELECT COUNT(*) AS n FROM child_year;
SELECT COUNT(*) AS n, COUNT(*) AS again FROM child_year;

-- Grouping by the authority, which every answer has
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex;
SELECT home_authority, sex, COUNT(*) AS n FROM child_year GROUP BY home_authority, sex;
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY home_authority, sex;

-- A mean of a share, and distinct children
SELECT AVG(CASE WHEN age BETWEEN 4 AND 5 THEN 1 ELSE 0 END) AS share, COUNT(DISTINCT child) AS c FROM child_year;
SELECT COUNT(DISTINCT child) AS c, AVG(CASE WHEN age IN (4, 5) THEN 1 ELSE 0 END) AS share FROM child_year;
