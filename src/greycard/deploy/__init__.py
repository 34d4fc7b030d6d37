"""Use a trained model: predict, serve, export."""
