"""Beside the picture: the verdict, or what is known of the selected class or edge."""
