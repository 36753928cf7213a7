-- Personal education plans of the children of the record, by term.
SELECT
    children.*,
    term,
    is_due AS pep_due,
    is_reviewed AS pep_reviewed,
    on_time AS pep_on_time,
    quality AS pep_quality,
    sdq_strategies, days_to_complete
FROM pep_terms
JOIN children ON children.academic_year = pep_terms.academic_year AND children.la_child_id = pep_terms.child
