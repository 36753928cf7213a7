-- The SSDA903 returns at hand: the year each covers, 1 April to 31 March, and which of its tables were loaded.
SELECT
    academic_year,
    make_date(academic_year // 100, 4, 1) AS year_start,
    make_date(academic_year // 100 + 1, 3, 31) AS year_end,
    bool_or(name = 'UASC') AS has_uasc,
    bool_or(name = 'SWEpisodes') AS has_social_workers
FROM loaded
WHERE family = 'ssda903'
GROUP BY academic_year
