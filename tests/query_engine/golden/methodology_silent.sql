-- Questions that look like those that a guard is about and that it lets pass. A block is titled with its name.

-- year_on_year: counts, attendance and services are no outcomes of a cohort; one year; pooled years; all pupils
SELECT academic_year, COUNT(DISTINCT child) AS n FROM child_year WHERE counted_here AND academic_year BETWEEN 202223 AND 202425 AND population = 'looked_after' GROUP BY 1;
SELECT academic_year, AVG(attendance_rate) AS x FROM child_year WHERE counted_here AND academic_year BETWEEN 202223 AND 202425 AND population = 'looked_after' GROUP BY 1;
SELECT academic_year, placement_type, COUNT(*) AS n FROM child_year WHERE counted_here AND academic_year BETWEEN 202223 AND 202425 AND population = 'looked_after' GROUP BY 1, 2;
SELECT academic_year, AVG(accommodation_suitable) AS x FROM child_year WHERE counted_here AND academic_year BETWEEN 202223 AND 202425 AND population = 'looked_after' GROUP BY 1;
SELECT academic_year, COUNT(*) AS n FROM child_year WHERE counted_here AND academic_year BETWEEN 202223 AND 202425 AND population = 'looked_after' AND attainment8 IS NOT NULL GROUP BY 1;
SELECT academic_year, AVG(attainment8) AS x FROM child_year WHERE counted_here AND academic_year = 202425 AND population = 'looked_after' GROUP BY 1;
SELECT sex, AVG(attainment8) AS x FROM child_year WHERE counted_here AND academic_year BETWEEN 202223 AND 202425 AND population = 'looked_after' GROUP BY 1;
SELECT academic_year, AVG(attainment8) AS x FROM pupil_year WHERE academic_year > 202223 GROUP BY 1;

-- unlike_populations: counts and attendance are not attainment
SELECT population, COUNT(*) AS n FROM child_year GROUP BY population;
SELECT social_care_group, AVG(attendance_rate) AS x FROM pupil_year GROUP BY 1;

-- in_care_12_months: apart by it, and children who are no longer in care
SELECT in_care_12_months, AVG(attainment8) AS x FROM child_year WHERE counted_here AND academic_year = 202425 AND population = 'looked_after' GROUP BY 1;
SELECT AVG(attainment8) AS x FROM child_year WHERE population = 'previously_looked_after';

-- starting_point: by the starting point, and not attainment at all
SELECT attainment_at_entry, AVG(attainment8) AS x FROM child_year WHERE counted_here AND academic_year = 202425 AND population = 'looked_after' GROUP BY 1;
SELECT AVG(attendance_rate) AS x FROM child_year WHERE counted_here AND academic_year = 202425 AND population = 'looked_after';

-- planned_moves: apart by how they ended
SELECT placement_end, COUNT(*) AS n FROM placements WHERE counted_here AND academic_year = 202425 AND population = 'looked_after' GROUP BY 1;

-- school_moves: managed moves beside them
SELECT AVG(school_changes) AS x, AVG(managed_moves) AS y FROM child_year WHERE counted_here AND academic_year = 202425 AND population = 'looked_after';

-- funnel: in the order of categories, and pooled years
SELECT sex, COUNT(*) AS n FROM child_year WHERE counted_here AND academic_year = 202425 AND population = 'looked_after' GROUP BY sex ORDER BY sex;
SELECT COUNT(*) AS n FROM child_year WHERE counted_here AND academic_year BETWEEN 202223 AND 202425 AND population = 'looked_after' ORDER BY n DESC LIMIT 5;

-- counted_here: apart by it, and a table without it
SELECT counted_here, COUNT(*) AS n FROM child_year GROUP BY counted_here;
SELECT COUNT(*) AS n FROM pupil_year;

-- academic_year: side by side
SELECT academic_year, COUNT(*) AS n FROM pupil_year GROUP BY academic_year;

-- population: a table without it
SELECT COUNT(*) AS n FROM pupil_year;

-- sparse: many children to a cell
SELECT age, COUNT(*) AS n FROM child_year GROUP BY age;
SELECT age, sex, COUNT(*) AS n FROM pupil_year GROUP BY age, sex;

-- year_on_year: years of what is no cohort's own, beside one year's attainment
SELECT AVG(c.attainment8) AS a, AVG(e.n) AS n FROM child_year c JOIN (SELECT child, COUNT(*) AS n FROM exclusions GROUP BY child) AS e USING (child) WHERE c.academic_year = 202425 AND c.counted_here AND c.population = 'looked_after';

-- unlike_populations: special schools apart by the FILTER of every measure, and by the terms of a model
SELECT social_care_group, COUNT(*) AS n, AVG(ks2_rwm_expected) FILTER (WHERE school_type <> 'special' AND NOT sen_unit_or_resourced) AS x FROM pupil_year WHERE academic_year = 202425 GROUP BY 1;
SELECT FIT_LINEAR(attainment8, population, school_type, sen_unit_or_resourced) AS m FROM child_year WHERE counted_here AND academic_year = 202425;

-- starting_point: a model with the starting point among its terms
SELECT FIT_LINEAR(attainment8, prior_attainment, sex) AS m FROM child_year WHERE counted_here AND academic_year = 202425 AND population = 'looked_after';

-- funnel: rows that are too few to read left out by their number
SELECT COUNT(*) AS n, AVG(attendance_rate) AS a FROM child_year WHERE counted_here AND academic_year = 202425 AND population = 'looked_after' HAVING n >= 20;
