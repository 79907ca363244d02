"""The sensors that hang in a grid: what is the matter with them comes first."""

from dashboard.elements import html
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from dashboard.text.format import since
from pipelines.gridfile.file import GridFile, Sensor


def draw(file: GridFile, say: Say) -> Leaves:
    """A row a device."""
    grid = file.grid
    sensors = () if grid is None else grid.sensors
    ailing = sum(1 for sensor in sensors if sensor.conditions or sensor.is_silent)
    scope = say("grid.sensors_scope", n=0 if grid is None else grid.sensors_total, ailing=ailing)
    rows = [_row(sensor, file, say) for sensor in sensors]
    return {
        "gridsensors-heading": {"children": [say("grid.sensors"), html.Em(scope)]},
        "gridsensors-rows": {
            "children": rows or [html.Li(say("grid.no_sensors"), className="empty")]
        },
    }


def _row(sensor: Sensor, file: GridFile, say: Say) -> html.Li:
    words = [say(f"device_condition.{condition}") for condition in sensor.conditions]
    words += [say("grid.silent")] if sensor.is_silent else []
    never = sensor.last_seen is None
    state = say("grid.never_heard") if never else say("case.and").join(words) or say("around.well")
    look = "is-ailing" if words else "is-unheard" if never else "is-well"
    seen = "" if sensor.last_seen is None else since(sensor.last_seen, file.now, file.time_zone)
    return html.Li(
        [
            html.Span(say.name(sensor.names), className="may-clip"),
            html.Em(seen),
            html.Strong(state, className=look),
        ],
        className="sensor",
    )


SENSORS = Panel(id="gridsensors", leaves=("gridsensors-heading", "gridsensors-rows"), draw=draw)
