"""A trained model as a file for elsewhere, held against the original on real images before it is handed out."""
