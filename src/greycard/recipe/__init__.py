"""Recipes: all settings of a run, one small config per part."""

from greycard.recipe.recipe import Recipe

__all__ = ["Recipe"]
