"""From the asker's text to the query as a value, by an allow-list: what is not known to be safe is refused."""
