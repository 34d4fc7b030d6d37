"""What can be predicted: files, folders, patterns, videos and cameras."""
