-- The child that each unique pupil number stands for, by the latest return that has it: rows of the virtual school's
-- own records may name a child by either.
SELECT upn, arg_max(child, academic_year) AS child
FROM header
WHERE upn IS NOT NULL AND NOT is_no_upn(upn)
GROUP BY upn
