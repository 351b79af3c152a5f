"""How often an edge comes back: bootstraps, seeds and null models."""
