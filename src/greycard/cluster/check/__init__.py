"""A check in units of work: of a folder whose images are read elsewhere, and of a list in stages."""
