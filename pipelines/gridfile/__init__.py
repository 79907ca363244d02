"""The file of one grid: who looks after it, what is known of it, and how it does."""
