-- The School Census terms at hand, the day of each census, and which of their tables were loaded.
SELECT
    loaded.academic_year,
    loaded.term,
    term_number(loaded.term) AS number,
    coalesce(any_value(told.census_day), usual_census_day(loaded.academic_year, loaded.term)) AS census_day,
    bool_or(name = 'fsmperiod') AS has_meals,
    bool_or(name = 'termlyexclusionsonroll') AS has_exclusions,
    bool_or(name = 'termlysessiondetailsonroll') AS has_sessions,
    bool_or(name = 'summerhalfterm2sessiondetailsonroll') AS has_half_term
FROM loaded
LEFT JOIN (
    SELECT academic_year, term, mode(referencedate) AS census_day
    FROM schoolcensus
    GROUP BY academic_year, term
) AS told ON told.academic_year = loaded.academic_year AND told.term = loaded.term
WHERE family = 'school_census'
GROUP BY loaded.academic_year, loaded.term
