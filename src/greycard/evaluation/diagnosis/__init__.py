"""What is wrong with a run, each finding with its figures and one next step."""
