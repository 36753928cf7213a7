-- The children of the record, as the tables of finer grain show them beside what is their own.
SELECT
    child, academic_year, home_authority, counted_here, population, in_care_12_months, sex, age, key_stage,
    la_child_id, upn, care_start, care_end
FROM child_record
