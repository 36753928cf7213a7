"""Plans and conditions in plain words, for askers and approvers."""
