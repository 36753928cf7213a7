"""Ingest: what an authority has, turned into what can be asked.

Files go in; every row of every file is loaded, or reported under a named rule; governed tables come out. Nothing
here ever prints, logs or raises a data value: a report locates rows by number.
"""
