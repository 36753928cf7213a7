"""Suppression: which figures are withheld, for their own sake and for each other's, and the proof that it is enough.

`cell_rules` looks at one cell alone. Everything else here looks at whole tables whose figures add up: `hierarchy` and
`lattice` say how, `rules` what a reader knows of each figure, `pattern` and `optimum` choose what is withheld besides,
`attack` works out what a reader can, and `certificate` is what anybody checks without the data.
"""
