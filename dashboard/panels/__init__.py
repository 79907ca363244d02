"""The panels, one a file; adding one is a file and a line in ``PANELS``."""

from dashboard.panels import (
    communities,
    complaints,
    devices,
    endurance,
    focus,
    header,
    intake,
    map,
    open_list,
    points,
    quality,
    stage,
    strip,
)
from dashboard.panels.panel import Leaves, Panel

PANELS: tuple[Panel, ...] = (
    header.HEADER,
    strip.STRIP,
    map.MAP,
    points.POINTS,
    open_list.OPEN,
    intake.INTAKE,
    quality.QUALITY,
    devices.DEVICES,
    complaints.COMPLAINTS,
    communities.COMMUNITIES,
    focus.FOCUS,
    stage.STAGE,
    endurance.ENDURANCE,
)

__all__ = ["PANELS", "Leaves", "Panel"]
