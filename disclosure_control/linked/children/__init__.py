"""Who is counted: the conditions and rows of each question, in words that all questions share."""
