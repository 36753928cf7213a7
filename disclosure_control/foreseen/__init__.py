"""What a question would give, foreseen from public facts before any data is asked, and better questions."""
