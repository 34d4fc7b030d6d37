"""Prepare and run the training of a recipe."""
