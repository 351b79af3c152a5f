"""From media files to features."""
