"""Below the picture: tables, comparison, files."""
