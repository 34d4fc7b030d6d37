"""What there is to learn from: ids, labels, classes, and images as arrays or files."""
