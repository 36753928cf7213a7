-- One row for each pupil and academic year with several: the main registration of the latest term. Not every term's
-- census asks everything, so what does not change from term to term is taken from the latest term that gives it.
SELECT * REPLACE (
    last_value(dob IGNORE NULLS) OVER every_term AS dob,
    last_value(sex IGNORE NULLS) OVER every_term AS sex,
    last_value(ethnicity IGNORE NULLS) OVER every_term AS ethnicity,
    last_value(language IGNORE NULLS) OVER every_term AS language,
    last_value(plaa IGNORE NULLS) OVER every_term AS plaa
)
FROM roll SEMI JOIN repeated_entries USING (academic_year, identifier)
WINDOW every_term AS (
    PARTITION BY pupil_year
    ORDER BY term_number, is_main, entrydate NULLS FIRST, pupilonrolltableid DESC
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
)
QUALIFY row_number() OVER (
    PARTITION BY pupil_year
    ORDER BY term_number DESC, is_main DESC, entrydate DESC NULLS LAST, pupilonrolltableid
) = 1
