"""The federation: who its members are, how they speak to each other, and what may cross between them."""
