"""Runs behind a web page and a JSON API, on this machine and for strangers' files."""
