"""Teach by correcting."""
