"""What only one process may do at a time, and how processes share it out."""
