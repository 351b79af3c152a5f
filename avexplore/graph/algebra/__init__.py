"""CPDAGs: equivalence, separation, comparison."""
