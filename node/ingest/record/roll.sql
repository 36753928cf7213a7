-- Every row of a census roll with the number of its pupil in its academic year, by which other tables look them up
-- quickly: that of the pupil's first row.
SELECT entries.*, coalesce(first_entry, entry) AS pupil_year
FROM entries
LEFT JOIN repeated_entries USING (academic_year, identifier)
