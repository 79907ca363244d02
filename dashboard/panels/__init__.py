"""The panels, one a file; adding one is a file and a line in ``PANELS``."""

from dashboard.panels import header, intake, map, open_list, quality, strip
from dashboard.panels.panel import Leaves, Panel

PANELS: tuple[Panel, ...] = (
    header.HEADER,
    strip.STRIP,
    map.MAP,
    open_list.OPEN,
    intake.INTAKE,
    quality.QUALITY,
)

__all__ = ["PANELS", "Leaves", "Panel"]
