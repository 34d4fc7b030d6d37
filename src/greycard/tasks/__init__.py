"""What a model is trained to answer: its head, loss, metrics, probabilities and decision, one file per task."""
