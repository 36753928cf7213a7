"""The release: protected tables or an opened sum go in, one released table comes out, and is read and shown."""
