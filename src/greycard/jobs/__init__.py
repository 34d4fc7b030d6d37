"""One file per command: train, resume, check, split, explain, export."""
