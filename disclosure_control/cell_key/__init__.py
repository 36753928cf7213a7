"""The cell-key method: counts changed a little, always in the same way for the same children."""
