"""The page Class graph."""
