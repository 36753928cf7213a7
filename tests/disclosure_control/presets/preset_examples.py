"""What each preset prints of the same seven cells: read by `docs/presets.md`, and run by `test_preset_examples`."""

from collections.abc import Mapping

QUESTION = (
    "SELECT age, COUNT(*) AS n, AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS share, AVG(placements) AS mean"
    " FROM child_year WHERE academic_year = 202425 AND age BETWEEN 10 AND 16 GROUP BY age"
)

CELLS = """
    age | children | share.yes | mean.sum
    10  | 0        | 0         | 0
    11  | 4        | 2         | 12
    12  | 5        | 2         | 15
    13  | 7        | 3         | 28
    14  | 9        | 4         | 36
    15  | 43       | 13        | 172
    16  | 100      | 0         | 100
"""
"""The children of each age, how many are unaccompanied asylum seekers, and their placements in all."""

KEYED_CELLS = """
    age | children | key | share.yes | yes key
    10  | 0        | 0   | 0         | 0
    11  | 4        | 77  | 2         | 130
    12  | 5        | 250 | 2         | 31
    13  | 7        | 19  | 3         | 8
    14  | 9        | 201 | 4         | 90
    15  | 43       | 60  | 13        | 140
    16  | 100      | 190 | 0         | 0
"""
"""The same children with the cell keys of all and of those who are unaccompanied, as a preset with cell keys asks."""

REMARKS: Mapping[str, str] = {
    "acro": "One symbol for none and for few. At 16 the share is withheld, since it is 0, and the average, since 100 "
    "placements could be mostly two children's: one can have up to 60.",
    "dfe_cin": "Exact for an authority, to the nearest 10 above it; c beside a true 0 says 1 to 5.",
    "dfe_cla": "Exact for an authority, to the nearest 10 above it; averages from 6 on; c beside a true 0 says 1 to 5.",
    "nhs_hes": "8 is the least that is shown, as 10; c beside a true 0 says 1 to 7.",
    "ofqual": "5 is the least that is shown; c beside a true 0 says 1 to 4.",
    "ons_10_5": "10 is the least that is shown; c beside a true 0 says 1 to 9.",
    "ons_cell_key": "The same at every level. 43 is printed as 39 and 100 as 103, by their cell keys. 5 comes to 17, "
    "9 to 13: what is withheld is what comes to 1 to 9, whatever it was. The average cannot be asked for.",
    "opensafely": "One symbol for none and for few; 9 is shown as 10. At 16 the share is withheld, since it is 0.",
    "ukllc": "One symbol for none and for few; exact counts at every level. At 16 the share is withheld: it is 0.",
}
"""What to see in each preset's table."""

RELEASED: Mapping[str, str] = {
    "acro": """
    age | authority | region | nation | share | mean | nation share | nation mean
    10  | c         | c      | c      | c     | c    | c            | c
    11  | c         | c      | c      | c     | c    | c            | c
    12  | c         | c      | c      | c     | c    | c            | c
    13  | c         | c      | c      | c     | c    | c            | c
    14  | c         | c      | c      | c     | c    | c            | c
    15  | 45        | 45     | 45     | 0.333 | 4.0  | 0.333        | 4.0
    16  | 100       | 100    | 100    | c     | c    | c            | c
""",
    "dfe_cin": """
    age | authority | region | nation | share | mean | nation share | nation mean
    10  | 0         | 0      | 0      | z     | z    | z            | z
    11  | c         | c      | c      | c     | c    | c            | c
    12  | c         | c      | c      | c     | c    | c            | c
    13  | 7         | 10     | 10     | c     | c    | c            | c
    14  | 9         | 10     | 10     | c     | c    | c            | c
    15  | 43        | 40     | 40     | 0.302 | 4.0  | 0.250        | 4.0
    16  | 100       | 100    | 100    | 0.000 | 1.0  | 0.000        | 1.0
""",
    "dfe_cla": """
    age | authority | region | nation | share | mean | nation share | nation mean
    10  | 0         | 0      | 0      | z     | z    | z            | z
    11  | c         | c      | c      | c     | c    | c            | c
    12  | c         | c      | c      | c     | c    | c            | c
    13  | 7         | 10     | 10     | c     | 4    | c            | 4
    14  | 9         | 10     | 10     | c     | 4    | c            | 4
    15  | 43        | 40     | 40     | 0.30  | 4    | 0.25         | 4
    16  | 100       | 100    | 100    | 0.00  | 1    | 0.00         | 1
""",
    "nhs_hes": """
    age | authority | region | nation | share | mean | nation share | nation mean
    10  | 0         | 0      | 0      | z     | z    | z            | z
    11  | c         | c      | c      | c     | c    | c            | c
    12  | c         | c      | c      | c     | c    | c            | c
    13  | c         | c      | c      | c     | c    | c            | c
    14  | 10        | 10     | 10     | c     | c    | c            | c
    15  | 45        | 45     | 45     | 0.33  | 4.0  | 0.33         | 4.0
    16  | 100       | 100    | 100    | 0.00  | 1.0  | 0.00         | 1.0
""",
    "ofqual": """
    age | authority | region | nation | share | mean | nation share | nation mean
    10  | 0         | 0      | 0      | z     | z    | z            | z
    11  | c         | c      | c      | c     | c    | c            | c
    12  | 5         | 5      | 5      | c     | c    | c            | c
    13  | 5         | 5      | 5      | c     | c    | c            | c
    14  | 10        | 10     | 10     | c     | c    | c            | c
    15  | 45        | 45     | 45     | 0.333 | 4.0  | 0.333        | 4.0
    16  | 100       | 100    | 100    | 0.000 | 1.0  | 0.000        | 1.0
""",
    "ons_10_5": """
    age | authority | region | nation | share | mean | nation share | nation mean
    10  | 0         | 0      | 0      | z     | z    | z            | z
    11  | c         | c      | c      | c     | c    | c            | c
    12  | c         | c      | c      | c     | c    | c            | c
    13  | c         | c      | c      | c     | c    | c            | c
    14  | c         | c      | c      | c     | c    | c            | c
    15  | 45        | 45     | 45     | 0.333 | 4.0  | 0.333        | 4.0
    16  | 100       | 100    | 100    | 0.000 | 1.0  | 0.000        | 1.0
""",
    "ons_cell_key": """
    age | n   | share
    10  | 0   | z
    11  | c   | c
    12  | 17  | 0.000
    13  | c   | c
    14  | 13  | c
    15  | 39  | 0.359
    16  | 103 | 0.000
""",
    "opensafely": """
    age | authority | region | nation | share | mean | nation share | nation mean
    10  | c         | c      | c      | c     | c    | c            | c
    11  | c         | c      | c      | c     | c    | c            | c
    12  | c         | c      | c      | c     | c    | c            | c
    13  | c         | c      | c      | c     | c    | c            | c
    14  | 10        | 10     | 10     | c     | c    | c            | c
    15  | 45        | 45     | 45     | 0.333 | 4.0  | 0.333        | 4.0
    16  | 100       | 100    | 100    | c     | 1.0  | c            | 1.0
""",
    "ukllc": """
    age | authority | region | nation | share | mean | nation share | nation mean
    10  | c         | c      | c      | c     | c    | c            | c
    11  | c         | c      | c      | c     | c    | c            | c
    12  | c         | c      | c      | c     | c    | c            | c
    13  | c         | c      | c      | c     | c    | c            | c
    14  | c         | c      | c      | c     | c    | c            | c
    15  | 43        | 43     | 43     | 0.302 | 4.0  | 0.302        | 4.0
    16  | 100       | 100    | 100    | c     | 1.0  | c            | 1.0
""",
}
"""Counts as printed for an authority, a region and the nation; shares and averages of an authority and the nation."""
