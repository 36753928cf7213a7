"""The governed record in SQL: one file per relation, named after it, in the order that `node.ingest.tables` runs them.

Each file is one SELECT over the accepted rows of the input tables (named as in `formats.toml`, in lower case, with
`academic_year` and `term` added) and over the relations before it. `docs` and the catalogue say what the columns mean;
these files say how they are worked out, in the words of `macros.sql` and `definitions.sql`, on the maps that
`node.ingest.maps` draws.
"""
