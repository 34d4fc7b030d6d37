"""A web server for runs: a page and a JSON API that accept untrusted files."""
