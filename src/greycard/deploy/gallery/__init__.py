"""A page to look at many answers and to correct them."""
