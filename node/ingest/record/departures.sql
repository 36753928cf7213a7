-- Pupils who left a school in the term that a census asks about, with the number of their pupil in the academic year
-- where they are on roll here too: at the school they moved to, most of them.
SELECT gone.*, pupil_years.pupil_year
FROM pupilnolongeronroll AS gone
LEFT JOIN pupil_years ON pupil_years.academic_year = gone.academic_year AND pupil_years.identifier = gone.upn
