"""The incident model: facts, incidents, clocks and tallies. Standard library only."""
