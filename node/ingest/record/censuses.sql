-- The School Census terms at hand, the days they cover, and which of their tables were loaded.
SELECT
    academic_year,
    term,
    term_number(term) AS number,
    term_start(academic_year, term) AS starts,
    term_end(academic_year, term) AS ends,
    bool_or(name = 'fsmperiod') AS has_meals,
    bool_or(name = 'termlyexclusionsonroll') AS has_exclusions,
    bool_or(name = 'termlysessiondetailsonroll') AS has_sessions,
    bool_or(name = 'summerhalfterm2sessiondetailsonroll') AS has_half_term
FROM loaded
WHERE family = 'school_census'
GROUP BY academic_year, term
