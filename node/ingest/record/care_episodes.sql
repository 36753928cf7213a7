-- Every child's episodes up to the end of each return year, in order, with the period of care each belongs to.
--
-- Series of short breaks (V3, V4) are left out, as DfE does. Episodes that ended in earlier years may be known from
-- earlier returns; where two returns tell of an episode, the later one is right. An episode still open in an earlier
-- return has to be in this year's if it happened. Of the children in no episode of this year's return, only those are
-- here who had left care for a permanent home: of others nobody can say that care is over.
WITH settled AS (
    SELECT returns.academic_year, child
    FROM returns
    JOIN episodes ON episodes.academic_year < returns.academic_year
    WHERE ls IS DISTINCT FROM 'V3' AND ls IS DISTINCT FROM 'V4'
    GROUP BY returns.academic_year, child
    HAVING is_permanent_home(arg_max_null(rec, (episodes.academic_year, decom)))
),
told AS (
    SELECT r.year_start, r.year_end, e.* REPLACE (r.academic_year AS academic_year), e.academic_year AS told_in
    FROM returns r
    JOIN episodes e ON e.academic_year <= r.academic_year
    WHERE e.decom <= r.year_end
        AND e.ls IS DISTINCT FROM 'V3'
        AND e.ls IS DISTINCT FROM 'V4'
        AND (e.academic_year = r.academic_year OR e.dec IS NOT NULL)
        AND (r.academic_year, e.child) IN (
            SELECT (academic_year, child) FROM episodes UNION SELECT (academic_year, child) FROM settled
        )
    QUALIFY rank() OVER (PARTITION BY r.academic_year, e.child, e.decom ORDER BY e.academic_year DESC) = 1
),
ordered AS (
    SELECT *, row_number() OVER (
        PARTITION BY academic_year, child
        ORDER BY decom, dec NULLS LAST, rne, ls, place, pl_post, urn, rec, place_provider, reason_place_change, cin
    ) AS number
    FROM told
)
-- A period of care starts with RNE S, or after an episode that ended care.
SELECT *, count(*) FILTER (WHERE rne = 'S' OR before_rec <> 'X1') OVER (
    PARTITION BY academic_year, child ORDER BY number
) AS care_period
FROM (
    SELECT *, lag(rec) OVER (PARTITION BY academic_year, child ORDER BY number) AS before_rec
    FROM ordered
)
