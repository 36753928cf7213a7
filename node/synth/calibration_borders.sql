-- Where the children are placed: `areas` has the authority of each postcode, `regions` the region of each authority.
CREATE TABLE placed AS
SELECT stock.home, region, host, host <> stock.home AS outside FROM stock JOIN regions USING (home) JOIN areas USING (postcode);

CREATE TABLE flows AS
SELECT (SELECT count(*) FROM stock) AS in_care, (SELECT count(*) FROM started) AS started,
    (SELECT count(*) FROM ceased) AS ceased;

CREATE TABLE authority_sizes AS
SELECT home, count(*) AS children FROM stock GROUP BY home;

CREATE TABLE exchange AS
SELECT hosted, placed_out
FROM (SELECT home, count(*) AS placed_out FROM placed WHERE outside GROUP BY home)
JOIN (SELECT host AS home, count(*) AS hosted FROM placed WHERE outside GROUP BY host) USING (home);
