"""Ranked answers side by side, as a component."""
