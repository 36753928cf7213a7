-- Sessions of pupils on roll by attendance code, as each term's census tells: a census asks about the term before it,
-- and the autumn census about the second half of the summer term in a table of its own.
FROM termlysessiondetailsonroll
UNION ALL BY NAME
FROM summerhalfterm2sessiondetailsonroll
