"""Draws every panel of a view into bytes that can be sent as they are."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from dash.development.base_component import Component

from dashboard.panels import Leaves, Panel
from dashboard.panels.panel import unavailable
from dashboard.text import Say

log = logging.getLogger(__name__)

_ABOUT_ITSELF = frozenset({"available_properties", "available_wildcard_properties"})

Drawing = Mapping[str, bytes]
"""The properties of every leaf, by its id, as JSON."""


class Artist:
    """Draws panels; remembers which are broken, so that each is logged once."""

    def __init__(self) -> None:
        self._broken: set[str] = set()

    @property
    def has_failed(self) -> bool:
        """Whether some panel could not be drawn the last time."""
        return bool(self._broken)

    def draw(self, panels: Sequence[Panel], picture: Any, say: Say) -> Drawing:
        """All leaves of all panels. A panel that raises gets a notice in its own box."""
        drawing: dict[str, bytes] = {}
        for panel in panels:
            drawing.update(self._leaves(panel, picture, say))
        return drawing

    def _leaves(self, panel: Panel, picture: Any, say: Say) -> Drawing:
        try:
            leaves = _encoded({**panel.draw(picture, say), panel.notice: {"children": None}})
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
    """What ``Component.to_plotly_json`` gives, sooner.

    That asks for every property there could be; a component holds those that it was given.
    """
    if not isinstance(value, Component):
        raise TypeError(f"{type(value).__name__} cannot be sent to a screen")
    given = vars(value).items()
    props = {name: v for name, v in given if name[0] != "_" and name not in _ABOUT_ITSELF}
    return {"props": props, "type": value._type, "namespace": value._namespace}
