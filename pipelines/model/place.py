"""Where an incident is."""

from typing import NamedTuple


class Place(NamedTuple):
    """A position in WGS-84 degrees, or an address, or the owner's own grid code, or nothing."""

    lat: float | None = None
    lon: float | None = None
    address: str | None = None
    grid: str | None = None

    @property
    def has_position(self) -> bool:
        """True when both coordinates are known."""
        return self.lat is not None and self.lon is not None


NOT_ON_MAP = ""
"""The grid code of an incident that lies in no known grid: counted, shown, never dropped."""
