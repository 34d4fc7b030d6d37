"""Folders of files by their addresses, here or in remote storage; claims on files, and results in parts."""
