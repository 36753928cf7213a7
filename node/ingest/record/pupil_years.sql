-- One row for each pupil and academic year: the only one on the rolls, or what several were merged into.
FROM roll ANTI JOIN merged_entries USING (pupil_year)
UNION ALL
FROM merged_entries
