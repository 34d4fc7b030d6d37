"""What every package uses: errors, paths, atomic writes, locks, memory, progress."""
