"""A trained model as a file for elsewhere, held against the original on real pictures before it is handed out."""
