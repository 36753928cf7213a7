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

-- CASE spelled in several ways, its categories renamed
SELECT CASE WHEN age < 5 THEN 'early' WHEN age < 16 THEN 'school' ELSE 'late' END AS phase, COUNT(*) AS n FROM child_year WHERE age IS NOT NULL GROUP BY phase;
SELECT CASE WHEN age BETWEEN 5 AND 15 THEN 1 WHEN age >= 16 THEN 2 ELSE 0 END AS x, COUNT(*) AS n FROM child_year WHERE age >= 0 GROUP BY 1;
SELECT COUNT(*) AS n, CASE WHEN NOT age >= 5 THEN 'a' WHEN age > 15 THEN 'c' WHEN age IN (5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) THEN 'b' END AS x FROM child_year WHERE age IS NOT NULL GROUP BY x;

-- A CASE of one column by its values, and by conditions
SELECT CASE sex WHEN 'M' THEN 'boys' WHEN 'F' THEN 'girls' END AS who, COUNT(*) AS n FROM child_year GROUP BY who;
SELECT CASE WHEN sex = 'F' THEN 'girls' WHEN sex = 'M' THEN 'boys' ELSE NULL END AS who, COUNT(*) AS n FROM child_year GROUP BY who;
SELECT CASE WHEN sex IN ('M') THEN 'm' WHEN 'F' = sex THEN 'f' WHEN sex = 'M' OR sex = 'F' THEN 'nobody' ELSE 'other' END AS who, COUNT(*) AS n FROM child_year GROUP BY who;

-- A CASE that tells apart just the categories of a column, and the column
SELECT uasc AS arrival, COUNT(*) AS n FROM child_year GROUP BY uasc;
SELECT CASE WHEN uasc THEN 'alone' WHEN NOT uasc THEN 'with others' ELSE 'not known' END AS arrival, COUNT(*) AS n FROM child_year GROUP BY arrival;
SELECT CASE uasc WHEN FALSE THEN 1 WHEN TRUE THEN 2 END AS arrival, COUNT(*) AS n FROM child_year GROUP BY arrival;

-- Declared bins, and their ranges as a CASE
SELECT BIN(sdq_score) AS score, COUNT(*) AS n FROM child_year WHERE sdq_score < 14 GROUP BY score;
SELECT CASE WHEN sdq_score <= 4 THEN 'least' WHEN sdq_score <= 7 THEN 'little' WHEN sdq_score BETWEEN 8 AND 10 THEN 'some' WHEN sdq_score < 14 THEN 'much' END AS score, COUNT(*) AS n FROM child_year WHERE sdq_score < 14 GROUP BY score;

-- Arithmetic on whole numbers, and the CASE that it comes to
SELECT age // 5 AS five, COUNT(*) AS n FROM child_year WHERE age < 15 GROUP BY five;
SELECT FLOOR(age / 5) AS five, COUNT(*) AS n FROM child_year WHERE age < 15 GROUP BY FLOOR(age / 5);
SELECT (age + 5) // 5 AS five, COUNT(*) AS n FROM child_year WHERE age < 15 GROUP BY 1;
SELECT CASE WHEN age < 5 THEN '0 to 4' WHEN age < 10 THEN '5 to 9' WHEN age < 15 THEN '10 to 14' END AS five, COUNT(*) AS n FROM child_year WHERE age < 15 GROUP BY five;

-- Arithmetic that tells apart every value, and the column
SELECT age AS a, COUNT(*) AS n FROM child_year GROUP BY age;
SELECT age + 1 AS a, COUNT(*) AS n FROM child_year GROUP BY a;
SELECT age * 2 - 7 AS a, COUNT(*) AS n FROM child_year GROUP BY age * 2 - 7;

-- GROUP BY an expression, its name and its place
SELECT age % 2 AS odd, COUNT(*) AS n FROM child_year GROUP BY age % 2;
SELECT age % 2 AS odd, COUNT(*) AS n FROM child_year GROUP BY odd;
SELECT age % 2 AS odd, COUNT(*) AS n FROM child_year GROUP BY 1;
SELECT COUNT(*) AS n, (age % 2) AS odd FROM child_year GROUP BY (age % 2);

-- Totals by ROLLUP, CUBE and GROUPING SETS
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY ROLLUP (sex);
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY CUBE (sex);
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY GROUPING SETS ((), (sex));
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY GROUPING SETS (sex, (sex), (), ());

-- The order of grouping sets
SELECT sex, uasc, COUNT(*) AS n FROM child_year GROUP BY CUBE (sex, uasc);
SELECT sex, uasc, COUNT(*) AS n FROM child_year GROUP BY CUBE (uasc, sex);
SELECT uasc, COUNT(*) AS n, sex FROM child_year GROUP BY ROLLUP (sex), ROLLUP (uasc);
SELECT sex, uasc, COUNT(*) AS n FROM child_year GROUP BY GROUPING SETS ((), (uasc), (uasc, sex), (sex));

-- FILTER, CASE without ELSE, and CASE within FILTER
SELECT AVG(suspensions) FILTER (WHERE uasc AND sex = 'M') AS x FROM child_year;
SELECT AVG(CASE WHEN sex = 'M' AND uasc THEN suspensions END) AS x FROM child_year;
SELECT AVG(CASE WHEN uasc THEN suspensions END) FILTER (WHERE sex = 'M') AS x FROM child_year;

-- COUNT of a column, and of the rows where it has a value
SELECT COUNT(suspensions) AS n FROM child_year;
SELECT COUNT(*) FILTER (WHERE suspensions IS NOT NULL) AS n FROM child_year;
SELECT SUM(CASE WHEN NOT suspensions IS NULL THEN 1 ELSE 0 END) AS n FROM child_year;

-- MEDIAN and other names of a quantile
SELECT MEDIAN(sdq_score) AS q FROM child_year;
SELECT QUANTILE_DISC(sdq_score, 0.5) AS q FROM child_year;
SELECT QUANTILE_CONT(sdq_score, 0.50) AS q FROM child_year;
SELECT PERCENTILE_DISC(.5) WITHIN GROUP (ORDER BY sdq_score) AS q FROM child_year;
SELECT PERCENTILE_CONT(0.500) WITHIN GROUP (ORDER BY sdq_score ASC) AS q FROM child_year;

-- Names of the same statistic
SELECT VARIANCE(suspensions) AS v, STDDEV(suspensions) AS s, WAVG(suspensions, sdq_score) AS w FROM child_year;
SELECT STDDEV_SAMP(suspensions) AS s, VAR_SAMP(suspensions) AS v, WEIGHTED_AVG(suspensions, sdq_score) AS w FROM child_year;

-- The order of factors
SELECT SUM(suspensions * sdq_score) AS x FROM child_year;
SELECT SUM(sdq_score * suspensions) AS x FROM child_year;

-- Two measures of which neither comes first
SELECT CORR(suspensions, sdq_score) AS a, COVAR_SAMP(suspensions, sdq_score) AS b, COVAR_POP(suspensions, sdq_score) AS c, REGR_SXY(suspensions, sdq_score) AS e FROM child_year;
SELECT CORR(sdq_score, suspensions) AS a, COVAR_SAMP(sdq_score, suspensions) AS b, COVAR_POP(sdq_score, suspensions) AS c, REGR_SXY(sdq_score, suspensions) AS e FROM child_year;

-- The same measure as y and as x
SELECT REGR_AVGX(suspensions, sdq_score) AS a, REGR_SXX(suspensions, sdq_score) AS b FROM child_year;
SELECT REGR_AVGY(sdq_score, suspensions) AS a, REGR_SYY(sdq_score, suspensions) AS b FROM child_year;

-- HAVING, ORDER BY and LIMIT are views of one release
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex;
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex
HAVING COUNT(*) >= 20 AND NOT n > 1000;
SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex
ORDER BY n DESC, 1;
SELECT sex AS s, COUNT(*) AS n FROM child_year GROUP BY s
LIMIT 2 OFFSET 1;
