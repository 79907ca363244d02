"""The registers of what is there: areas, devices, units."""
