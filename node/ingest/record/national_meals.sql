-- Whether a pupil was eligible for free school meals in the last six years by the department's own flag (EVERFSM_6), in
-- the latest term of each academic year that the GIAP download of the census has it for.
SELECT academic_year, upn, arg_max(everfsm_6, term_number(term)) AS ever_eligible
FROM giap_census
WHERE upn IS NOT NULL
GROUP BY academic_year, upn
