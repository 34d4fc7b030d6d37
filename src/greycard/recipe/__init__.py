"""Recipes: everything that decides a run, one small config per part."""

from greycard.recipe.recipe import Recipe

__all__ = ["Recipe"]
