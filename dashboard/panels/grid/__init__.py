"""The panels of the page of one grid: each number of them is a way to its incidents."""
