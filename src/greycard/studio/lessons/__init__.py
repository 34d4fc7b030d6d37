"""A lesson at the side of the page."""
