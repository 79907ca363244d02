"""From the wire to the numbers: sources, the one door, the store, the figures."""
