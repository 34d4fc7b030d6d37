"""The story of one run, from a recipe and a dataset to a finished run directory."""
