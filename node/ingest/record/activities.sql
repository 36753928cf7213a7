-- What young people were doing on a known day: by the return, on the birthday that it asks about; by the authority's
-- own record, on the day of the row; by a census, on the roll of a school.
SELECT
    child, (identities.dob + to_years(age_on(identities.dob, year_end)::INTEGER))::DATE AS day, 2 AS source,
    activity_of(activ) AS activity
FROM oc3
JOIN returns USING (academic_year)
JOIN identities USING (academic_year, child)
WHERE activ IS NOT NULL

UNION ALL

SELECT la_child_id, date, 3, activity
FROM care_leaver_outcomes
WHERE activity IS NOT NULL

UNION ALL

SELECT pupil_numbers.child, make_date(academic_year // 100, 10, 1), 1, 'school'
FROM registrations
JOIN pupil_numbers ON pupil_numbers.upn = identifier
