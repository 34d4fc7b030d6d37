"""Rejection: an image that is far from all training images belongs to none of the classes, with a promise."""
