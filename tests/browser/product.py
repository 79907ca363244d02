"""The whole product as it is started: files in a folder, ``app.py run`` in a process of its own."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 150
"""A start takes five seconds, and more than a minute where ten other processes want two cores."""
COLUMNS = ("id", "reported", "accepted", "dispatched", "arrived", "resolved", "lat", "lon")
CONFIG = """
[area]
code = "street"
name = { zh = "测试街道", en = "Test street" }
time_zone = "Asia/Shanghai"

[grids]
file = "grids.geojson"
code = "code"
parent = "community"

[kinds.fire]
name = { zh = "火警", en = "Fire" }
shape = "triangle"

[wall]
window = "30d"

# the list of what is open is not to be seen in every scene
[wall.scenes]
rotate = false

[sources.desk]
name = { zh = "接警台", en = "Call desk" }
time_zone = "UTC"
every = "200ms"

[sources.desk.connector]
type = "file_drop"
path = "in"
settle = "100ms"

[sources.desk.decoder]
type = "table"
incident = "id"
kind = "fire"
position = { lat = "lat", lon = "lon" }

[sources.desk.decoder.milestones]
reported = "reported"
accepted = "accepted"
dispatched = "dispatched"
arrived = "arrived"
resolved = "resolved"
"""


class Product:
    """``app.py run`` in a process of its own, on a configuration in a folder."""

    def __init__(self, folder: Path, config: Path) -> None:
        self.folder = folder
        self.config = config
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        """Start, and return when it answers."""
        self._process = subprocess.Popen(
            [sys.executable, "app.py", "run", "--config", str(self.config)],
            cwd=ROOT,
            env=self._environ(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{self.url}/health").raise_for_status()
            except httpx.HTTPError:
                assert self._process.poll() is None, "the product did not start"
                time.sleep(0.05)
            else:
                return
        raise AssertionError(f"the product did not answer within {PATIENCE_S} s")

    def kill(self) -> None:
        """End it without a word, as a power cut would."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def kpi(self, *arguments: str) -> dict[str, object]:
        """What the command line says of the same store."""
        command = [sys.executable, "app.py", "kpi", "--config", str(self.config), "--json"]
        printed = subprocess.run(
            [*command, *arguments], cwd=ROOT, env=self._environ(), check=True, capture_output=True
        )
        found: dict[str, object] = json.loads(printed.stdout)[0]
        return found

    def drop(self, name: str, *incidents: dict[str, object]) -> None:
        """Put a file into the source's folder, whole."""
        written = self.folder / f"{name}.part"
        with written.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(incidents)
        written.rename(self.folder / "in" / f"{name}.csv")

    def _environ(self) -> dict[str, str]:
        place = {"GRID135_DATA": str(self.folder / "data"), "GRID135_PORT": str(self.port)}
        return {**os.environ, **place}


def an_incident(key: str, *, age_s: int, **after_s: int) -> dict[str, object]:
    """A row of the file: reported ``age_s`` ago, each milestone some seconds after that."""
    reported = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=age_s)
    stamps = {name: f"{reported + timedelta(seconds=s):%FT%T}" for name, s in after_s.items()}
    return {"id": key, "reported": f"{reported:%FT%T}", "lat": 30.25, "lon": 120.21, **stamps}


def grids() -> dict[str, object]:
    """Four squares in a row."""

    def square(code: str, west: float) -> dict[str, object]:
        ring = [[west, 30.24], [west + 0.01, 30.24], [west + 0.01, 30.26], [west, 30.26]]
        geometry = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
        properties = {"code": code, "community": code[:3]}
        return {"type": "Feature", "properties": properties, "geometry": geometry}

    features = [square(f"00{i}01", 120.195 + i * 0.01) for i in range(4)]
    return {"type": "FeatureCollection", "features": features}


def started(folder: Path) -> Product:
    """The product on a street of four grids, reading the files of a folder."""
    (folder / "in").mkdir()
    (folder / "grids.geojson").write_text(json.dumps(grids()))
    config = folder / "street.toml"
    config.write_text(CONFIG, encoding="utf-8")
    return Product(folder, config)
