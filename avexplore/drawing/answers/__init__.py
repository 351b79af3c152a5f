"""One query's answers before and after LIR as two lists with the moves between them, and their front end."""
