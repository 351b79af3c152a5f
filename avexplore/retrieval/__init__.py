"""Ranking, measures and significance."""
