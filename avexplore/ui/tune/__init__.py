"""The page Tune: from a slider to figures, ranked lists, the graph and both maps."""
