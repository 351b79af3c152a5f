"""A talk with the app: large type, no sidebar, scenes by arrow keys."""
