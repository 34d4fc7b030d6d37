"""Tasks: head, loss, metrics, probabilities and decision, one file per task."""
