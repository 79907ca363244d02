"""The demo street: its geography, and the simulator that feeds it."""
