"""The hub: carries approved queries to the nodes and releases safe tables. It is trusted with nothing but delivery."""
