-- Where young people went: their activity in the first academic year after Year 11, and in the first after Year 13.
-- A school's roll is believed first, then the return, then the authority's own record; of several days, the first.
SELECT
    academic_year, identities.child,
    arg_min(activity, (source, day)) FILTER (WHERE year_group = 12) AS destination_16,
    arg_min(activity, (source, day)) FILTER (WHERE year_group = 14 AND activity <> 'school') AS destination_18
FROM (
    SELECT academic_year, child, year_group_on(dob, make_date(academic_year // 100, 9, 1)) AS year_group
    FROM identities
) AS identities
JOIN activities
    ON activities.child = identities.child AND academic_year_of(activities.day) = identities.academic_year
WHERE year_group IN (12, 14)
GROUP BY academic_year, identities.child
