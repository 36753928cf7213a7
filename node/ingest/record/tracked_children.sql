-- The child that each row token of a tracking record stands for.
SELECT DISTINCT child, row_token(child) AS token FROM header
