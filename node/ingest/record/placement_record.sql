-- Every placement with at least one day in a return year, as far as the year's return and those before it tell.
SELECT
    children.*,
    placement_kind(place) AS placement_type,
    provider_kind(place_provider) AS placement_provider,
    coalesce(area.authority = home_authority, postcode_area.authority = getvariable('authority')) AS placement_in_area,
    miles_between(
        postcode_area.easting, postcode_area.northing, home_area.easting, home_area.northing
    ) AS placement_distance,
    CASE
        WHEN spell_end IS NULL OR spell_end > year_end THEN 'continues'
        WHEN last_rec <> 'X1' THEN 'left_care'
        WHEN is_unplanned(reason_place_change) THEN 'unplanned_move'
        WHEN reason_place_change IS NOT NULL THEN 'planned_move'
        ELSE 'reason_not_given'
    END AS placement_end,
    datesub('month', spell_start, least(coalesce(spell_end, year_end + 1), year_end + 1)) AS months,
    datesub('day', greatest(spell_start, year_start), least(coalesce(spell_end, year_end + 1), year_end + 1))
        AS days_in_year
FROM placement_spells AS spells
JOIN children ON children.academic_year = spells.academic_year AND children.la_child_id = spells.child
LEFT JOIN postcode_area ON postcode_area.postcode = spells.pl_post
LEFT JOIN postcode_area AS home_area ON home_area.postcode = spells.home_post
LEFT JOIN authority_map AS area ON area.today = postcode_area.authority AND area.year = spells.academic_year
WHERE in_year
