"""What was disclosed of one child, gathered from every log that has it, for a subject access request."""
