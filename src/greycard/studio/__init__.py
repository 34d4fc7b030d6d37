"""A local page to collect, label, check and train; what it makes are ordinary folders and runs."""
