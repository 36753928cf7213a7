-- Every row of a census roll, numbered, with what identifies its pupil from term to term: the unique pupil number, or,
-- where the school has none, the row's own key.
SELECT
    pupilonroll.* EXCLUDE (schoolcensustableid, surname, forename, enrolstatus),
    row_number() OVER ()::INTEGER AS entry,
    term_number(term) AS term_number,
    CASE WHEN upn IS NULL OR is_no_upn(upn) THEN roll_key(pupilonrolltableid) ELSE upn END AS identifier,
    -- Subsidiary registrations (S) are the second school of a pupil whose main one has its own row.
    enrolstatus IS DISTINCT FROM 'S' AS is_main
FROM pupilonroll
