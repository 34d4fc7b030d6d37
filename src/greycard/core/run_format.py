"""The version of the run format (docs/runs.md); every JSON file of a run has it."""

SCHEMA = 2
