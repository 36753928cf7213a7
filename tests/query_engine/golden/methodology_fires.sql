-- Questions that a methodology guard stops or warns of. A block is titled with the guard's name and what it shows.

-- year_on_year: outcomes of cohorts, year beside year, however it is written
SELECT academic_year, AVG(engmath_94) AS x FROM child_year WHERE counted_here AND academic_year BETWEEN 202223 AND 202425 AND population = 'looked_after' GROUP BY 1;
SELECT academic_year, AVG(progress_from_entry) AS x FROM child_year WHERE counted_here AND academic_year = 202425 AND population = 'looked_after' OR counted_here AND academic_year BETWEEN 202223 AND 202425 AND population = 'looked_after' GROUP BY 1;
SELECT academic_year, destination_16, COUNT(*) AS n FROM child_year WHERE counted_here AND academic_year BETWEEN 202223 AND 202425 AND population = 'looked_after' GROUP BY 1, 2;
SELECT academic_year, COUNT(*) AS n FROM child_year WHERE counted_here AND academic_year BETWEEN 202223 AND 202425 AND population = 'looked_after' AND engmath_94 GROUP BY 1;
SELECT academic_year, COUNT(*) FILTER (WHERE attainment8 > 50) AS n FROM child_year WHERE counted_here AND academic_year BETWEEN 202223 AND 202425 AND population = 'looked_after' GROUP BY 1;
SELECT AVG(attainment8) FILTER (WHERE academic_year = 202324) AS a, AVG(attainment8) FILTER (WHERE academic_year = 202425) AS b FROM child_year WHERE counted_here AND academic_year BETWEEN 202223 AND 202425 AND population = 'looked_after';
SELECT CASE WHEN academic_year > 202223 THEN 'new' ELSE 'old' END AS era, AVG(attainment8) AS x FROM child_year WHERE counted_here AND academic_year BETWEEN 202223 AND 202425 AND population = 'looked_after' GROUP BY 1;
SELECT academic_year, AVG(attainment8) AS x FROM child_year WHERE counted_here AND academic_year BETWEEN 202223 AND 202425 AND population = 'looked_after' GROUP BY ROLLUP (academic_year);
SELECT academic_year, AVG(met_expected) AS x FROM attainment WHERE counted_here AND academic_year BETWEEN 202223 AND 202425 AND population = 'looked_after' GROUP BY 1;
SELECT academic_year, AVG(attainment8) AS x FROM pupil_year WHERE social_care_group = 'cla_12_months_at_31_march' GROUP BY 1;

-- unlike_populations: attainment of unlike populations side by side
SELECT population, AVG(attainment8) AS x FROM child_year WHERE counted_here AND academic_year = 202425 GROUP BY 1;
SELECT AVG(attainment8) FILTER (WHERE social_care_group = 'not_known') AS a FROM pupil_year WHERE academic_year = 202425;
SELECT previously_looked_after, AVG(phonics_met) AS x FROM pupil_year WHERE academic_year = 202425 GROUP BY 1;

-- in_care_12_months: newcomers to care among them, in another table as well
SELECT AVG(met_expected) AS x FROM attainment WHERE counted_here AND academic_year = 202425 AND population = 'looked_after';

-- special_schools: special schools apart but not resourced provision, and neither
SELECT school_type, AVG(attainment8) AS x FROM child_year WHERE counted_here AND academic_year = 202425 AND population = 'looked_after' GROUP BY 1;
SELECT AVG(attainment8) AS x FROM pupil_year WHERE academic_year = 202425;

-- starting_point: what was reached, without where it started
SELECT sex, AVG(met_expected) AS x FROM attainment WHERE counted_here AND academic_year = 202425 AND population = 'looked_after' GROUP BY sex;

-- time_out_of_learning: exclusions alone, as a sum and as rows of their own table
SELECT SUM(suspensions) AS x FROM child_year WHERE counted_here AND academic_year = 202425 AND population = 'looked_after';
SELECT exclusion_category, COUNT(*) AS n FROM exclusions WHERE counted_here AND academic_year = 202425 AND population = 'looked_after' GROUP BY 1;

-- planned_moves: moves in a correlation, and in a filter
SELECT CORR(attendance_rate, placements) AS r FROM child_year WHERE counted_here AND academic_year = 202425 AND population = 'looked_after';
SELECT COUNT(*) AS n FROM child_year WHERE counted_here AND academic_year = 202425 AND population = 'looked_after' AND placements_in_year > 2;

-- school_moves: all changes of school alike
SELECT AVG(school_changes) AS x FROM child_year WHERE counted_here AND academic_year = 202425 AND population = 'looked_after';

-- funnel: authority rows in the order of a figure, and a list that is cut
SELECT sex, COUNT(*) AS n FROM child_year WHERE counted_here AND academic_year = 202425 AND population = 'looked_after' GROUP BY sex ORDER BY n;
SELECT COUNT(*) AS n FROM child_year WHERE counted_here AND academic_year = 202425 AND population = 'looked_after' LIMIT 10;

-- counted_here: a filter that lets children be counted twice
SELECT COUNT(*) AS n FROM child_year WHERE counted_here OR uasc;

-- academic_year: years as they come
SELECT COUNT(*) AS n FROM pupil_year;

-- year_on_year: years told apart in tables that are joined, and in what is worked out for each child
SELECT c.academic_year, AVG(c.attainment8) AS a FROM child_year c JOIN (SELECT child, COUNT(*) AS k FROM placements GROUP BY child) AS p USING (child) WHERE c.counted_here AND c.population = 'looked_after' GROUP BY c.academic_year;
SELECT academic_year, AVG(a) AS a FROM (SELECT child, academic_year, MAX(attainment8) AS a FROM child_year WHERE counted_here GROUP BY child, academic_year) AS d GROUP BY academic_year;
SELECT AVG(a) AS a, AVG(b) AS b FROM (SELECT child, MAX(attainment8) FILTER (WHERE academic_year = 202425) AS a, MAX(attainment8) FILTER (WHERE academic_year = 202324) AS b FROM child_year WHERE counted_here GROUP BY child) AS d;
SELECT AVG(p.a) AS a, AVG(c.attainment8) AS b FROM child_year c JOIN (SELECT child, MAX(attainment8) AS a FROM child_year WHERE academic_year = 202324 AND counted_here GROUP BY child) AS p USING (child) WHERE c.academic_year = 202425 AND c.counted_here;

-- starting_point: attainment worked out for each child
SELECT AVG(a) AS a FROM (SELECT child, MAX(attainment8) AS a FROM child_year WHERE academic_year = 202425 AND counted_here GROUP BY child) AS c;

-- year_on_year: a line over the years, and how an outcome goes with them
SELECT REGR_SLOPE(attainment8, academic_year) AS s FROM child_year WHERE counted_here AND academic_year BETWEEN 202223 AND 202425 AND population = 'looked_after';
SELECT CORR(progress_from_entry, academic_year) AS r FROM child_year WHERE counted_here AND academic_year BETWEEN 202223 AND 202425 AND population = 'looked_after';

-- unlike_populations: as the terms of a model, and with special schools named but not kept apart
SELECT FIT_LINEAR(attainment8, population) AS m FROM child_year WHERE counted_here AND academic_year = 202425;
SELECT FIT_LOGISTIC(ks2_rwm_expected, social_care_group) AS m FROM pupil_year WHERE academic_year = 202425;
SELECT social_care_group, AVG(ks2_rwm_expected) AS x, COUNT(school_type) AS a, COUNT(sen_unit_or_resourced) AS b FROM pupil_year WHERE academic_year = 202425 GROUP BY 1;
SELECT social_care_group, AVG(ks2_rwm_expected) AS x FROM pupil_year WHERE academic_year = 202425 AND school_type IS NOT NULL AND sen_unit_or_resourced IS NOT NULL GROUP BY 1;
SELECT AVG(attainment8) FILTER (WHERE population = 'looked_after') AS a, AVG(attendance_rate) FILTER (WHERE school_type <> 'special' AND NOT sen_unit_or_resourced) AS b FROM child_year WHERE counted_here AND academic_year = 202425;

-- starting_point: a model of attainment without it
SELECT FIT_LINEAR(attainment8, sex) AS m FROM child_year WHERE counted_here AND academic_year = 202425 AND population = 'looked_after';

-- funnel: authority rows chosen by a figure, and the first of a list left out
SELECT AVG(attendance_rate) AS a FROM child_year WHERE counted_here AND academic_year = 202425 AND population = 'looked_after' HAVING NOT (a <= 0.9 OR a > 0.99);
SELECT COUNT(*) AS n, AVG(sdq_returned) AS a FROM child_year WHERE counted_here AND academic_year = 202425 AND population = 'looked_after' HAVING n >= 20 AND a BETWEEN 0.9 AND 1;
SELECT AVG(attendance_rate) AS a FROM child_year WHERE counted_here AND academic_year = 202425 AND population = 'looked_after' OFFSET 5;
