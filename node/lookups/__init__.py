"""Children looked up: from the question asked at one's own node, through sealed pages, to the records that may be read.

`asking` signs and seals, `answering` decides over the own rows, `sealed_pages` and `answer_pages` keep what the hub
carries of one shape, and `correspondents` has the keys. `reading_room`, `records` and `own_children` read our own
records, and `child_sight` says who else could.
"""
