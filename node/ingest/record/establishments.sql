-- Schools by unique reference number, from the register of establishments: whose area each lies in and what it is.
--
-- A closed school of an authority of the past lies in the one that has its area today.
-- A special school is one whatever its funding; so is alternative provision, pupil referral units included.
SELECT
    urn,
    coalesce(heirs.today, register.authority) AS authority,
    CASE
        WHEN contains(kind, 'special') THEN 'special'
        WHEN contains(kind, 'pupil referral') OR contains(kind, 'alternative provision') THEN 'alternative_provision'
        WHEN sort IN ('colleges', 'universities') OR contains(kind, '16') OR contains(kind, 'sixth form')
        THEN 'further_education'
        WHEN contains(sort, 'independent') THEN 'independent'
        WHEN sort IN ('academies', 'free schools') THEN 'mainstream_academy'
        WHEN contains(sort, 'maintained') THEN 'mainstream_maintained'
        WHEN kind IS NOT NULL THEN 'other'
    END AS school_type,
    CASE
        WHEN phase = 'nursery' THEN 'nursery'
        WHEN phase IN ('primary', 'middle deemed primary') THEN 'primary'
        WHEN phase IN ('secondary', 'middle deemed secondary') THEN 'secondary'
        WHEN phase = 'all-through' THEN 'all_through'
        WHEN phase IN ('16 plus', 'post 16') THEN 'post_16'
        WHEN phase IS NOT NULL THEN 'not_applicable'
    END AS school_phase
FROM (
    SELECT
        *,
        lpad("la (code)", 3, '0') AS authority,
        lower("typeofestablishment (name)") AS kind,
        lower("establishmenttypegroup (name)") AS sort,
        lower("phaseofeducation (name)") AS phase
    FROM gias
    QUALIFY row_number() OVER (PARTITION BY urn ORDER BY academic_year DESC, opendate DESC NULLS LAST) = 1
) AS register
LEFT JOIN authority_heir AS heirs ON heirs.former = register.authority
