"""What happens on the demo street, and what is told of it: pure, seeded, the same each time."""
