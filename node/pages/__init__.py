"""The pages of a node: what an authority's own people see of its children, its policy and its log."""
