"""What a process measures of itself, and where that is read."""
