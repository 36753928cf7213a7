-- Personal education plans by term: one row for each child and term in which a plan was due or reviewed.
--
-- A plan is due in every term of which any review was loaded, of a child who is looked after on the term's last day
-- as far as the returns tell. It is on time where a meeting was held in the term, and completed in it unless no day of
-- completion is given.
--
-- Whoever loads reviews loads those of all children. Tracking begins child by child: a term that it alone tells of is one
-- for the children whose plans are tracked.
WITH terms AS (
    SELECT DISTINCT academic_year, term, NULL AS only_for
    FROM told_reviews
    WHERE term IS NOT NULL AND NOT is_tracked
    UNION
    SELECT told.academic_year, told.term, tracked.child AS only_for
    FROM told_reviews AS told CROSS JOIN (SELECT DISTINCT child FROM told_reviews WHERE is_tracked) AS tracked
    WHERE told.is_tracked
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
    SELECT DISTINCT academic_year, term, child
    FROM terms
    JOIN spells
        ON coalesce(only_for = child, true)
        AND care_start <= term_end(academic_year, term)
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
    FROM told_reviews
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
