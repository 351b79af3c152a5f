"""Two-branch networks and their heads."""
