"""Where the incident is: its grid, its place, and the units."""

from dashboard.panels.local_map import LEAVES, drawn_map
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from pipelines.desk.casefile import CaseFile


def draw(file: CaseFile, say: Say) -> Leaves:
    """The small map."""
    return drawn_map(None if file.case is None else file.case.where, file.theme, say)


PLACE = Panel(id="map", leaves=LEAVES, draw=draw)
