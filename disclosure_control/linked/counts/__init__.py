"""What is said of how many there are: the counts of all questions as sums over cells, and what follows by adding up."""
