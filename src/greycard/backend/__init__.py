"""The only package that names a backend: a quiet start, and the fastest steps and features that each one offers."""

from greycard.backend.start import configure, describe, seed_everything, start

__all__ = ["configure", "describe", "seed_everything", "start"]
