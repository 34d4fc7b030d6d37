"""The queue of trainings, their progress, and the runs on the folder."""
