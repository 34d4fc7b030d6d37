"""Recipes, and how one is carried out."""
