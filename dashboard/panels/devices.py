"""烟感与消控: how the devices are doing, and which are in alarm now."""

from dash.development.base_component import Component

from dashboard.elements import html
from dashboard.panels.panel import Leaves, Panel, data
from dashboard.text import Say
from dashboard.text.format import epoch_ms
from pipelines.model.device import Condition
from pipelines.snapshot import DeviceAlarm, DeviceBoard, Snapshot

_ALWAYS = (Condition.ALARM, Condition.FAULT, Condition.MUTED, Condition.LOW_BATTERY)
_IF_ANY = (
    Condition.SUPERVISED,
    Condition.POWER,
    Condition.TAMPER,
    Condition.OFFLINE,
    Condition.TEST,
)
_MOST_ALARMS = 12


def draw(snapshot: Snapshot, say: Say) -> Leaves:
    """The counts, and a row for every device that is in alarm."""
    board = snapshot.devices
    if board is None:
        return {
            "devices-heading": {"children": [say("devices.title")]},
            "devices-counts": {"children": []},
            "devices-alarms": {"children": [html.Li(say("devices.none"), className="empty")]},
            "devices-more": {"children": []},
            "devices-troubles": {"children": []},
        }
    return {
        "devices-heading": {"children": [say("devices.title"), html.Em(_scope(board, say))]},
        "devices-counts": {"children": _counts(board, say)},
        "devices-alarms": {"children": _alarms(board, say)},
        "devices-more": {"children": [_more(board)]},
        "devices-troubles": {"children": _troubles(board, say)},
    }


def _scope(board: DeviceBoard, say: Say) -> str:
    return say("devices.scope", n=board.registered, heard=board.heard)


def _counts(board: DeviceBoard, say: Say) -> list[html.Div]:
    shown = [(str(c), board.holding.get(c, 0)) for c in _ALWAYS]
    shown.append(("silent", board.silent))
    shown.extend((str(c), n) for c in _IF_ANY if (n := board.holding.get(c, 0)))
    if board.unknown:
        shown.append(("unknown", board.unknown))
    return [_count(key, n, say) for key, n in shown]


def _count(key: str, n: int, say: Say) -> html.Div:
    none = "" if n else " ailment--none"
    return html.Div(
        [
            html.Strong(str(n)),
            html.Span([html.I(className="ailment__mark"), say(f"devices.{key}")]),
        ],
        className=f"ailment ailment--{key}{none}",
    )


def _alarms(board: DeviceBoard, say: Say) -> list[html.Li]:
    if not board.alarms:
        return [html.Li(say("devices.no_alarm"), className="empty all-clear")]
    return [_row(alarm, "triangle", "missed", say) for alarm in board.alarms[:_MOST_ALARMS]]


def _more(board: DeviceBoard) -> html.P:
    """Filled by the page, which alone knows how many rows fit."""
    return html.P(className="open__more", **data(total=board.holding.get(Condition.ALARM, 0)))


def _troubles(board: DeviceBoard, say: Say) -> list[html.Li]:
    """What is to be repaired; without a heading there is nothing."""
    rows = [_row(trouble, "diamond", "plain", say) for trouble in board.troubles]
    return [html.Li(say("devices.troubles"), className="rows__head"), *rows] if rows else []


def _row(alarm: DeviceAlarm, shape: str, state: str, say: Say) -> html.Li:
    text: list[Component] = [
        html.P(say.name(alarm.names) or alarm.device, className="row__kind may-clip"),
        html.P(alarm.place or say("devices.unplaced"), className="row__where may-clip"),
    ]
    return html.Li(
        [
            html.I(className=f"shape shape--{shape}"),
            html.Div(text, className="row__text"),
            html.Div(
                [
                    html.Strong(**data(tick="elapsed", since=epoch_ms(alarm.since))),
                    html.Span(say(f"devices.{alarm.condition}")),
                ],
                className="row__times",
            ),
        ],
        className=f"row is-{state}",
    )


DEVICES = Panel(
    id="devices",
    leaves=(
        "devices-heading",
        "devices-counts",
        "devices-alarms",
        "devices-more",
        "devices-troubles",
    ),
    draw=draw,
)
