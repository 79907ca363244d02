"""The block ``[demo]``: that a configuration is of a simulated street, and how it is played."""

import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from secrets import token_hex
from typing import Any

from pydantic import Field

from pipelines.reading.options import Options

SECRETS = (
    "GRID135_DEMO_TOKEN",
    "GRID135_DEMO_PUSH",
    "GRID135_DEMO_STATION",
    "GRID135_DEMO_POSITIONS",
)
"""The variables that hold what a simulated platform proves itself with; made up when not set."""

MQTT_SOURCE = "smoke_mqtt"

_SYSTEM_PATH = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"
_DATA = "{data}"
_ANY_PORT = ":0"


class DemoSettings(Options):
    """A street that is simulated: what it sends comes in through its sources, over loopback.

    In the blocks of its sources, `{data}` stands for the data folder, and port 0 for a free one.
    """

    street: str = Field(description="Folder with its grids, places, units and devices.")
    seed: int = Field(default=135, ge=0, description="The same seed gives the same street.")
    weeks: int = Field(default=8, ge=0, le=12, description="Weeks of history at the start.")
    speed: float = Field(default=1.0, gt=0, le=3600, description="How fast its clock runs.")
    trouble: float = Field(
        default=1.0,
        ge=0,
        le=50,
        description="How often its services fail, answer slowly or refuse; 0 is never.",
    )


def arranged(sources: Mapping[str, dict[str, Any]], *, data: Path) -> dict[str, dict[str, Any]]:
    """The blocks of the sources, with the data folder and free ports filled in.

    All free ports are held until each block has its own, so that no two are the same. Without
    a broker that could be started there are no MQTT sensors.
    """
    where = str(data.resolve())
    with ExitStack() as held:
        ports = _free_ports(held)
        return {
            name: {key: _filled(key, value, where, ports) for key, value in block.items()}
            for name, block in sources.items()
            if name != MQTT_SOURCE or mosquitto() is not None
        }


def mosquitto() -> str | None:
    """Where the broker's program is, if it is installed; often not on the path of a user."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path=_SYSTEM_PATH)


def made_up_secrets() -> dict[str, str]:
    """A secret for each variable, different at every start."""
    return {name: token_hex(16) for name in SECRETS}


def _free_ports(held: ExitStack) -> Iterator[int]:
    while True:
        probe = held.enter_context(socket.socket())
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()[1]


def _filled(key: str, value: Any, data: str, ports: Iterator[int]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(name, inner, data, ports) for name, inner in value.items()}
    if isinstance(value, str):
        value = value.replace(_DATA, data)
        if key == "url" and f"{_ANY_PORT}/" in value:
            value = value.replace(f"{_ANY_PORT}/", f":{next(ports)}/", 1)
        return value
    return next(ports) if key == "port" and value == 0 else value
