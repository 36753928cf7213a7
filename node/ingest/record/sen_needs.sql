-- The primary special educational need: the need of first rank in the latest term that gives one. Only the spring
-- census asks.
SELECT pupil_year, arg_max(sentype, (term_number, -coalesce(sentyperank, 99), sentype)) AS sentype
FROM senneeds
JOIN roll USING (academic_year, term, pupilonrolltableid)
WHERE sentype IS NOT NULL
GROUP BY pupil_year
