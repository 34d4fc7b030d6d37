"""Feature vectors of images: computing, files of them, and the nearest images."""
