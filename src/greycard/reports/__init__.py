"""What people look at: the table, a run's page, progress, contact sheets."""
