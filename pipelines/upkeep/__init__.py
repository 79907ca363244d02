"""Looking after the store: proof, rebuilding, backup, retention, and what runs by the hour."""
