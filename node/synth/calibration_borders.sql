-- Where the children are placed: `areas` has the authority of each postcode, `regions` the region of each authority.
CREATE TABLE placed AS
SELECT stock.home, region, host, host <> stock.home AS outside FROM stock JOIN regions USING (home) JOIN areas USING (postcode);

CREATE TABLE flows AS
SELECT (SELECT count(*) FROM stock) AS in_care, (SELECT count(*) FROM started) AS started,
    (SELECT count(*) FROM ceased) AS ceased;

CREATE TABLE authority_placed AS
SELECT home, 100 * avg(outside::INTEGER) AS outside FROM placed GROUP BY home;

-- Miles from home to placement, as the crow flies; none where there is no address of a home.
CREATE TABLE distances AS
SELECT 'last' AS which, home, home_postcode, postcode FROM stock
UNION ALL
SELECT 'new', home, home_postcode, postcode FROM episodes
WHERE started IN ('S', 'P', 'T', 'B', 'U') AND began >= getvariable('year_start') AND legal NOT IN ('V3', 'V4');

CREATE TABLE located AS
SELECT which, there.host <> distances.home AS outside,
    sqrt((here.east - there.east) ** 2 + (here.north - there.north) ** 2) / 1609.344 AS miles
FROM distances JOIN areas AS there USING (postcode) LEFT JOIN areas AS here ON here.postcode = home_postcode;

CREATE TABLE exchange AS
SELECT home, hosted, placed_out, children
FROM (SELECT home, count(*) AS placed_out FROM placed WHERE outside GROUP BY home)
JOIN (SELECT host AS home, count(*) AS hosted FROM placed WHERE outside GROUP BY host) USING (home)
JOIN authority_children USING (home);
