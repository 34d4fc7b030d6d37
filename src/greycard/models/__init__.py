"""Layers: dense and convolutional networks, backbones, heads."""
