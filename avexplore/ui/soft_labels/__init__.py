"""The page Soft labels."""
