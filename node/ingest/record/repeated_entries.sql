-- The pupils and academic years with more than one row on the rolls, and the number of the first.
SELECT academic_year, identifier, min(entry) AS first_entry
FROM entries
GROUP BY academic_year, identifier
HAVING count(*) > 1
