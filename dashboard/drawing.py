"""Draws every panel of a view into bytes that can be sent as they are."""

import logging
from collections.abc import Mapping, Sequence

import orjson
from dash.development.base_component import Component

from dashboard.panels import PANELS, Leaves, Panel
from dashboard.panels.panel import unavailable
from dashboard.text import Say
from pipelines.snapshot import Snapshot

log = logging.getLogger(__name__)

Drawing = Mapping[str, bytes]
"""The properties of every leaf, by its id, as JSON."""


class Artist:
    """Draws panels; remembers which are broken, so that each is logged once."""

    def __init__(self, panels: Sequence[Panel] = PANELS) -> None:
        self._panels = panels
        self._broken: set[str] = set()

    def draw(self, snapshot: Snapshot, say: Say) -> Drawing:
        """All leaves of all panels. A panel that raises gets a notice in its own box."""
        drawing: dict[str, bytes] = {}
        for panel in self._panels:
            drawing.update(self._leaves(panel, snapshot, say))
        return drawing

    def _leaves(self, panel: Panel, snapshot: Snapshot, say: Say) -> Drawing:
        try:
            leaves = _encoded({**panel.draw(snapshot, say), panel.notice: {"children": None}})
        # Whatever is wrong with one panel, the others must reach the wall.
        except Exception:  # noqa: BLE001
            self._report(panel)
            return _encoded({panel.notice: {"children": unavailable(say)}})
        if panel.id in self._broken:
            self._broken.discard(panel.id)
            log.warning("panel %s can be drawn again", panel.id)
        return leaves

    def _report(self, panel: Panel) -> None:
        if panel.id not in self._broken:
            self._broken.add(panel.id)
            log.exception("panel %s cannot be drawn", panel.id)


def _encoded(leaves: Leaves) -> Drawing:
    return {leaf: orjson.dumps(properties, _component) for leaf, properties in leaves.items()}


def _component(value: object) -> object:
    if isinstance(value, Component):
        return value.to_plotly_json()  # type: ignore[no-untyped-call]
    raise TypeError(f"{type(value).__name__} cannot be sent to a screen")
