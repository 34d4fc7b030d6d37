"""Export a trained model to a file, and compare it with the original on real images first."""
