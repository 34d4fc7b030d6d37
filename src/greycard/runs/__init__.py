"""The run directory: its names, writing and reading it."""
