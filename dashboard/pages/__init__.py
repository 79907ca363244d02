"""The pages: each a layout of empty boxes that the stream fills, and the list of them."""

from dashboard.pages import desk, grid, handover, incident, lab, playback, quarantine, sources, wall
from dashboard.pages.page import Page

PAGES: dict[str, Page] = {
    "wall": wall.PAGE,
    "desk": desk.PAGE,
    "lab": lab.PAGE,
    "grid": grid.PAGE,
    "incident": incident.PAGE,
    "playback": playback.PAGE,
    "handover": handover.PAGE,
    "sources": sources.PAGE,
    "quarantine": quarantine.PAGE,
}
"""Every page by the name in its URL."""
