"""Where classes stand so that people can read a class graph: groups, places, bends. Nothing here draws."""
