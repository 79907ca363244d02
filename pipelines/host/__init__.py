"""The machine and the process the product runs on: memory, log, clock."""
