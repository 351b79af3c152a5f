"""The page Embedding space."""
