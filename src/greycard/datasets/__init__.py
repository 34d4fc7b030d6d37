"""Datasets: ids, labels, classes, and images as arrays or files."""
