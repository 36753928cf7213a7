-- Personal education plans by term: one row for each child and term in which a plan was due or reviewed.
--
-- A plan is due in every term of which any review was loaded, of a child who is looked after on the term's last day
-- as far as the returns tell. It is on time where a meeting was held in the term, and completed in it unless no day of
-- completion is given.
WITH reviews AS (
    SELECT
        academic_year, term_named(term) AS term, coalesce(la_child_id, pupil_numbers.child) AS child,
        meeting_date, completed_date, quality, sdq_strategies
    FROM pep_reviews
    LEFT JOIN pupil_numbers ON pupil_numbers.upn = pep_reviews.upn
),
terms AS (
    SELECT DISTINCT academic_year, term FROM reviews WHERE term IS NOT NULL
),
-- The latest return that knows a child tells of their care, the summer before its own autumn included.
spells AS (
    SELECT child, min(decom) AS care_start, arg_max_null(if(rec = 'X1', NULL, dec), number) AS care_end
    FROM care_episodes
    JOIN (SELECT child, max(academic_year) AS academic_year FROM care_episodes GROUP BY child)
        USING (academic_year, child)
    GROUP BY child, care_period
),
due AS (
    SELECT academic_year, term, child
    FROM terms
    JOIN spells
        ON care_start <= term_end(academic_year, term)
        AND coalesce(care_end, DATE '9999-12-31') > term_end(academic_year, term)
),
held AS (
    SELECT
        academic_year, term, child,
        bool_or(
            meeting_date BETWEEN term_start(academic_year, term) AND term_end(academic_year, term)
            AND coalesce(completed_date <= term_end(academic_year, term), true)
        ) AS is_in_term,
        arg_max(quality, coalesce(completed_date, meeting_date)) AS quality,
        bool_or(sdq_strategies) AS sdq_strategies,
        min(datesub('day', meeting_date, completed_date)) FILTER (WHERE completed_date >= meeting_date)
            AS days_to_complete
    FROM reviews
    WHERE child IS NOT NULL
    GROUP BY academic_year, term, child
)
SELECT
    academic_year, term, child,
    due.child IS NOT NULL AS is_due,
    held.child IS NOT NULL AS is_reviewed,
    coalesce(is_in_term, false) AS on_time,
    quality, sdq_strategies, days_to_complete
FROM due
FULL JOIN held USING (academic_year, term, child)
