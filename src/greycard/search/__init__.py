"""The best recipe within a time budget: the ladder of recipes, their expected times, and the choice between them."""
