"""Questions and their answers: one definition behind tile, list, export, API and command line."""
