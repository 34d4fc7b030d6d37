"""Check a dataset before training: duplicates, leakage, label errors, damaged files."""
