-- Who each child of the record is, in each return year: as that year's return has it, otherwise as the latest return
-- before or after it that knows the child. Care leavers past 21 are in no return of their own.
WITH known AS (
    SELECT child, arg_max(header, academic_year) AS latest
    FROM header
    GROUP BY child
)
SELECT
    academic_year, populations.child,
    coalesce(header.upn, latest.upn) AS upn,
    coalesce(header.consistent_identifier, latest.consistent_identifier) AS consistent_identifier,
    coalesce(header.sex, latest.sex) AS sex,
    coalesce(header.ethnic, latest.ethnic) AS ethnic,
    coalesce(header.dob, latest.dob, oc3.dob, oc2.dob, uasc.dob) AS dob
FROM populations
LEFT JOIN header USING (academic_year, child)
LEFT JOIN known USING (child)
LEFT JOIN oc3 USING (academic_year, child)
LEFT JOIN oc2 USING (academic_year, child)
LEFT JOIN uasc USING (academic_year, child)
