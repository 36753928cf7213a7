-- The unique reference number of each school that a census calls by a name of its own.
SELECT nativeid, any_value(urn ORDER BY academic_year DESC, term_number(term) DESC) AS urn
FROM schoolcensus
WHERE nativeid IS NOT NULL
GROUP BY nativeid
