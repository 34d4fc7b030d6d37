"""The user's images: labels, classes, uploads, the trash."""
