"""A node: what one authority runs over its own data. It trusts the hub with nothing but delivery."""
