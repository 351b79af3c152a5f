"""Bytes of hostile files to arrays: one reader per container, each with its limits."""
