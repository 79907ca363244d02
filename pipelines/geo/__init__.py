"""Coordinates and grids; the only place that knows a geometry library."""
