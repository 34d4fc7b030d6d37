"""The only package that names a backend: a quiet start, and the fastest steps and features that each one offers."""

from greycard.backend.start import configure, describe, random_state, seed_everything, set_random_state, start

__all__ = ["configure", "describe", "random_state", "seed_everything", "set_random_state", "start"]
