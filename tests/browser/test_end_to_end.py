"""The whole product as it is started: files in a folder, a browser, the command line."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
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

pytestmark = pytest.mark.browser


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
        self._process = subprocess.Popen(
            [sys.executable, "app.py", "run", "--config", str(self.config)],
            cwd=ROOT,
            env=self._environ(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{self.url}/health").raise_for_status()
            except httpx.HTTPError:
                assert self._process.poll() is None, "the product did not start"
                time.sleep(0.05)
            else:
                return
        raise AssertionError("the product did not answer within a minute")

    def kill(self) -> None:
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
    def square(code: str, west: float) -> dict[str, object]:
        ring = [[west, 30.24], [west + 0.01, 30.24], [west + 0.01, 30.26], [west, 30.26]]
        geometry = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
        properties = {"code": code, "community": code[:3]}
        return {"type": "Feature", "properties": properties, "geometry": geometry}

    features = [square(f"00{i}01", 120.195 + i * 0.01) for i in range(4)]
    return {"type": "FeatureCollection", "features": features}


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    (tmp_path / "in").mkdir()
    (tmp_path / "grids.geojson").write_text(json.dumps(grids()))
    config = tmp_path / "street.toml"
    config.write_text(CONFIG, encoding="utf-8")
    product = Product(tmp_path, config)
    yield product
    product.kill()


def shown_fraction(screen, milestone: str) -> str:
    return screen.text(f"#tile-{milestone} .tile__fraction").replace("\n", "")


def test_a_record_dropped_into_the_folder_appears_on_the_wall(product, open_screen):
    screen = open_screen(product)

    product.drop("calls", an_incident("A1", age_s=20, accepted=15))

    screen.wait_for_text("#open-rows", "火警")
    screen.wait_for_text("#open-rows", "00101")


def test_the_tiles_say_what_the_command_line_says(product, open_screen):
    screen = open_screen(product)
    stages = {"accepted": 30, "dispatched": 90, "resolved": 900}
    rows = [
        an_incident(f"B{i}", age_s=7200 + 60 * i, arrived=200 + 20 * i, **stages) for i in range(12)
    ]

    product.drop("calls", *rows, an_incident("C1", age_s=3600, **stages))

    screen.wait_for_text("#tile-arrived", "6")
    for milestone in ("accepted", "dispatched", "arrived"):
        figures = product.kpi("--milestone", milestone)
        known = int(figures["hit"]) + int(figures["miss"])
        assert shown_fraction(screen, milestone) == f"{figures['hit']}/{known}"
    assert product.kpi()["unknown"] == 1


def test_the_map_has_every_grid(product, open_screen):
    screen = open_screen(product)
    screen.wait_for_map()

    codes = screen.page.evaluate(
        "() => [...new Set(grid135.grids.map().querySourceFeatures('grids').map((f) => f.id))]"
    )

    assert sorted(codes) == ["00001", "00101", "00201", "00301"]


def test_a_product_that_was_killed_comes_back_with_the_same_figures(product, open_screen):
    screen = open_screen(product)
    screen.may_lose_the_server = True
    times = {"accepted": 30, "dispatched": 90, "arrived": 250, "resolved": 900}
    product.drop("calls", an_incident("D1", age_s=3600, **times))
    screen.wait_for_text("#tile-arrived .tile__fraction", "1")
    before = shown_fraction(screen, "arrived")

    product.kill()
    screen.wait_for_text("#banner", "失去联系")
    product.start()
    back_by = time.monotonic() + 3

    screen.page.wait_for_function("() => !document.body.classList.contains('is-stale')")
    assert time.monotonic() < back_by
    assert shown_fraction(screen, "arrived") == before == "1/1"


def test_the_shipped_configuration_is_a_replay_that_says_so(tmp_path, open_screen):
    product = Product(tmp_path, ROOT / "config" / "sffd.toml")
    try:
        screen = open_screen(product)
        screen.wait_for_text("#header-labels", "回放")
        screen.wait_for_map()

        grids = screen.page.evaluate(
            "() => new Set(grid135.grids.map().querySourceFeatures('grids').map((f) => f.id)).size"
        )

        assert grids == 37
        assert screen.page.locator("#open-rows .row").count() > 0
        assert "/" in shown_fraction(screen, "arrived")
    finally:
        product.kill()
