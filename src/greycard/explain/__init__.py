"""Explain a trained model: heat maps, feature maps, filters."""
