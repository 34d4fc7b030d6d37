"""Diagnosis of a run: each finding has its figures and one next step."""
