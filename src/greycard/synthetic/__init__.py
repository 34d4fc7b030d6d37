"""The rendered sample folder, and the defects planted in it."""
