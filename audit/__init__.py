"""The append-only Merkle log of one party: events, checkpoints, proofs, and the verifier that trusts none of them."""
