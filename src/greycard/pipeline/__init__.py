"""From files and arrays to batches of uint8 pixels."""
