"""Reports for people: the table, a run's page, progress, contact sheets."""
