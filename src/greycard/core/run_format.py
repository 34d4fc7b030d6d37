"""The version of the run format (docs/runs.md); every JSON file of a run has it."""

SCHEMA = 2

JOB = "GREYCARD_JOB"
"""The environment variable with the id of the job that a process works for; its runs record it."""
