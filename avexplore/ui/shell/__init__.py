"""What surrounds every page: frame, session, links, login."""
