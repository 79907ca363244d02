"""What platforms push by HTTP: ``POST /ingest/<source>``."""
