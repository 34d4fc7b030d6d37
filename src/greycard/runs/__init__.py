"""The run directory: file names, writing and reading."""
