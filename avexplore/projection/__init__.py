"""Maps of an embedding before and after LIR."""
