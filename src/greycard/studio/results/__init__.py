"""The result of a run, trying it, and taking it away."""
