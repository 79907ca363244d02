"""What the wall shows beside its figures, one board a file, each read from the same store."""
