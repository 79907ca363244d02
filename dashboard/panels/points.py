"""What the map shows besides incidents: where devices hang, which of them ail, where units are.

The places of the devices are a file of their own that a screen fetches once; what is sent are the
numbers of those in it that ail. ``assets/points.js`` draws all of it on one canvas.
"""

import json
from collections.abc import Sequence

from dash import html

from dashboard.panels.panel import Leaves, Panel, data
from dashboard.text import Say
from pipelines.snapshot import Ailing, DeviceBoard, Snapshot, UnitSpot

_DECIMALS = 5
"""Of a degree: a metre."""
_ELSEWHERE = "complaints"
"""The scene that is about neither."""


def draw(snapshot: Snapshot, say: Say) -> Leaves:
    """The devices and the units as attributes for the script that draws them."""
    board = shown_devices(snapshot)
    units = json.dumps([_point(unit) for unit in shown_units(snapshot)], separators=(",", ":"))
    devices = [] if board is None else [_devices(board)]
    return {
        "points-devices": {"children": devices},
        "points-units": {"children": [html.Div(**data(units=units))]},
    }


def shown_devices(snapshot: Snapshot) -> DeviceBoard | None:
    """The board of the devices, where the map shows them."""
    board = snapshot.devices
    is_shown = board is not None and board.placed and snapshot.stage.scene != _ELSEWHERE
    return board if is_shown else None


def shown_units(snapshot: Snapshot) -> Sequence[UnitSpot]:
    """The units that the map shows."""
    return () if snapshot.stage.scene == _ELSEWHERE else snapshot.units


def keys(snapshot: Snapshot, say: Say) -> list[html.Span]:
    """What the legend says of them, each with how many there are; nothing of what is not there."""
    board, units = shown_devices(snapshot), shown_units(snapshot)
    found: list[html.Span] = []
    if board is not None:
        ailing = {kind: len(board.ailing.get(kind, ())) for kind in Ailing}
        found.append(_key("device", board.placed - sum(ailing.values()), say))
        found += [_key(f"device-{kind}", n, say) for kind, n in ailing.items() if n]
    located = sum(unit.seen_at is not None for unit in units)
    found += [_key("unit", located, say)] if located else []
    found += [_key("unit-base", len(units) - located, say)] if len(units) > located else []
    return found


def _devices(board: DeviceBoard) -> html.Div:
    ailing = json.dumps(
        {kind: board.ailing.get(kind, ()) for kind in Ailing}, separators=(",", ":")
    )
    return html.Div(**data(places=f"/geo/devices.json?v={board.places}", ailing=ailing))


def _point(unit: UnitSpot) -> list[float]:
    return [round(unit.lat, _DECIMALS), round(unit.lon, _DECIMALS), int(unit.seen_at is not None)]


def _key(name: str, n: int, say: Say) -> html.Span:
    text = say(f"map.{name.replace('-', '_')}", n=n)
    return html.Span([html.I(className=f"point point--{name}"), text])


POINTS = Panel(id="points", leaves=("points-devices", "points-units"), draw=draw)
