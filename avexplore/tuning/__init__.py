"""From a slider to a ranking: what differs from a stored run, and what it does."""
