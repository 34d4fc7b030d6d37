"""Model families, pretrained networks and saved models."""
