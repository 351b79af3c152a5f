"""Scores of a set of parents: Gaussian BIC, BDeu, kernel."""
