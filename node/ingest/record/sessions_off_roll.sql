-- The same of pupils who have left the school that tells.
FROM termlysessiondetailsoffroll
UNION ALL BY NAME
FROM summerhalfterm2sessiondetailsoffroll
