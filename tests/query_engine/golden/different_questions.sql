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

-- Every statistic of one column
SELECT SUM(sdq_score) AS x FROM child_year;
SELECT AVG(sdq_score) AS x FROM child_year;
SELECT COUNT(sdq_score) AS x FROM child_year;
SELECT VAR_SAMP(sdq_score) AS x FROM child_year;
SELECT VAR_POP(sdq_score) AS x FROM child_year;
SELECT STDDEV_SAMP(sdq_score) AS x FROM child_year;
SELECT STDDEV_POP(sdq_score) AS x FROM child_year;
SELECT MEDIAN(sdq_score) AS x FROM child_year;
SELECT QUANTILE_DISC(sdq_score, 0.25) AS x FROM child_year;
SELECT QUANTILE_DISC(sdq_score, 0.75) AS x FROM child_year;
SELECT QUANTILE_DISC(sdq_score, 0.501) AS x FROM child_year;
SELECT SUM(sdq_score * sdq_score) AS x FROM child_year;

-- Every statistic of two columns
SELECT COVAR_SAMP(suspensions, sdq_score) AS x FROM child_year;
SELECT COVAR_POP(suspensions, sdq_score) AS x FROM child_year;
SELECT CORR(suspensions, sdq_score) AS x FROM child_year;
SELECT REGR_COUNT(suspensions, sdq_score) AS x FROM child_year;
SELECT REGR_AVGX(suspensions, sdq_score) AS x FROM child_year;
SELECT REGR_AVGY(suspensions, sdq_score) AS x FROM child_year;
SELECT REGR_SXX(suspensions, sdq_score) AS x FROM child_year;
SELECT REGR_SYY(suspensions, sdq_score) AS x FROM child_year;
SELECT REGR_SXY(suspensions, sdq_score) AS x FROM child_year;
SELECT REGR_SLOPE(suspensions, sdq_score) AS x FROM child_year;
SELECT REGR_INTERCEPT(suspensions, sdq_score) AS x FROM child_year;
SELECT REGR_R2(suspensions, sdq_score) AS x FROM child_year;
SELECT WEIGHTED_AVG(suspensions, sdq_score) AS x FROM child_year;
SELECT SUM(suspensions * sdq_score) AS x FROM child_year;
SELECT AVG(suspensions * sdq_score) AS x FROM child_year;

-- The two columns exchanged
SELECT REGR_SLOPE(suspensions, sdq_score) AS x FROM child_year;
SELECT REGR_SLOPE(sdq_score, suspensions) AS x FROM child_year;
SELECT REGR_INTERCEPT(suspensions, sdq_score) AS x FROM child_year;
SELECT REGR_INTERCEPT(sdq_score, suspensions) AS x FROM child_year;
SELECT REGR_AVGX(suspensions, sdq_score) AS x FROM child_year;
SELECT REGR_AVGX(sdq_score, suspensions) AS x FROM child_year;
SELECT REGR_R2(suspensions, sdq_score) AS x FROM child_year;
SELECT REGR_R2(sdq_score, suspensions) AS x FROM child_year;
SELECT WEIGHTED_AVG(suspensions, sdq_score) AS x FROM child_year;
SELECT WEIGHTED_AVG(sdq_score, suspensions) AS x FROM child_year;

-- A condition on all rows, on one aggregate, and as what is averaged
SELECT AVG(suspensions) AS x FROM child_year WHERE uasc;
SELECT AVG(suspensions) FILTER (WHERE uasc) AS x FROM child_year;
SELECT AVG(suspensions * uasc) AS x FROM child_year;
SELECT COUNT(DISTINCT child) FILTER (WHERE uasc) AS x FROM child_year;
SELECT COUNT(*) FILTER (WHERE uasc) AS x FROM child_year;

-- ELSE with a category, and without one where nothing is left
SELECT CASE WHEN age < 5 THEN 'early' END AS phase, COUNT(*) AS n FROM child_year GROUP BY phase;
SELECT CASE WHEN age < 5 THEN 'early' WHEN age >= 5 THEN 'rest' END AS phase, COUNT(*) AS n FROM child_year GROUP BY phase;
SELECT CASE WHEN age < 5 THEN 'early' WHEN age >= 6 THEN 'rest' END AS phase, COUNT(*) AS n FROM child_year GROUP BY phase;

-- The order of overlapping cases
SELECT CASE WHEN age < 10 THEN 'a' WHEN uasc THEN 'b' END AS x, COUNT(*) AS n FROM child_year GROUP BY x;
SELECT CASE WHEN uasc THEN 'b' WHEN age < 10 THEN 'a' END AS x, COUNT(*) AS n FROM child_year GROUP BY x;

-- Declared bins and the ranges next to them
SELECT BIN(suspensions) AS x, COUNT(*) AS n FROM child_year GROUP BY x;
SELECT BIN(sdq_score) AS x, COUNT(*) AS n FROM child_year GROUP BY x;
SELECT CASE WHEN sdq_score < 5 THEN 'low' WHEN sdq_score IS NOT NULL THEN 'high' END AS x, COUNT(*) AS n FROM child_year GROUP BY x;

-- Totals and no totals, and over what
SELECT sex, uasc, COUNT(*) AS n FROM child_year GROUP BY sex, uasc;
SELECT sex, uasc, COUNT(*) AS n FROM child_year GROUP BY ROLLUP (sex, uasc);
SELECT sex, uasc, COUNT(*) AS n FROM child_year GROUP BY ROLLUP (uasc, sex);
SELECT sex, uasc, COUNT(*) AS n FROM child_year GROUP BY CUBE (sex, uasc);
SELECT sex, uasc, COUNT(*) AS n FROM child_year GROUP BY ROLLUP ((sex, uasc));
SELECT sex, uasc, COUNT(*) AS n FROM child_year GROUP BY sex, ROLLUP (uasc);

-- Figures that come to the same by another road, held to other rules
SELECT AVG(suspensions) FILTER (WHERE sdq_score IS NOT NULL) AS x FROM child_year;
SELECT REGR_AVGY(suspensions, sdq_score) AS x FROM child_year;
SELECT VAR_POP(suspensions) AS x FROM child_year;
SELECT COVAR_POP(suspensions, suspensions) AS x FROM child_year;
SELECT SUM(suspensions * uasc) AS x FROM child_year;
SELECT SUM(suspensions) FILTER (WHERE uasc) AS x FROM child_year;
