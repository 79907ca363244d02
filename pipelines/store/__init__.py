"""Where everything is kept: reports, facts, incidents, rollups, positions, quarantine."""
