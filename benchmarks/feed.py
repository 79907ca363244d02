"""A day of the demo street, with outages, through the running product at high speed.

``python -m benchmarks.feed --hours 24 --json`` starts ``app.py run`` with the shipped
``config/demo.toml`` and a fast clock, stops and starts every source's other end in turn while the
day goes by, then compares the figures with the truth that the simulator kept. It prints: ``hours``
of the feed, ``real_s`` it took, ``records`` stored, ``rss_start_mb`` and ``rss_end_mb`` of the
product (after the history was taken in, and at the end), ``lost`` and ``duplicates``: incidents
that are missing, and incidents or records that are there twice. ``wrong`` counts verdicts that
are not those of the truth.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.demo.control import Control, write_control
from pipelines.demo.model.case import Case
from pipelines.demo.played import FOLDER, read_played
from pipelines.demo.simulator import PARTS, TRUTH_FILE, WAITING_FILE
from pipelines.demo.truth import read_truth, verdict
from pipelines.figures.query import parse, rows
from pipelines.installation import open_installation
from pipelines.model.milestone import TARGETED, Milestone
from pipelines.settings import Settings, load

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "config" / "demo.toml"
_STARTS_WITHIN_S = 90.0
_ENDS_WITHIN_S = 120.0
_OUTAGES_MOST_S = 6.0
_LAST_STRETCH = 0.85
"""Share of the day after which no part is stopped any more."""


def main() -> None:
    """Measure, print, and exit 1 when anything is lost, there twice, or wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--hours", type=float, default=24.0, help="how much of the feed")
    parser.add_argument("--speed", type=float, default=360.0, help="how fast its clock runs")
    parser.add_argument("--weeks", type=int, default=2, help="weeks of history before it")
    parser.add_argument("--json", action="store_true", help="print JSON, one line")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder), options.hours, options.speed, options.weeks)
    print(json.dumps(found) if options.json else "\n".join(f"{k}: {v}" for k, v in found.items()))
    sys.exit(1 if found["lost"] or found["duplicates"] or found["wrong"] else 0)


def measured(folder: Path, hours: float, speed: float, weeks: int) -> dict[str, Any]:
    """Run the product beside a fast street; say how that went."""
    config = _config(folder, speed, weeks)
    environ = {**os.environ, "GRID135_DATA": str(folder / "data"), "GRID135_PORT": str(_port())}
    settings = load(environ, str(config))
    with _running(config, environ, settings) as process:
        _wait(lambda: _is_even(settings), _STARTS_WITHIN_S)
        rss_start, before = _rss_mb(process), _records(settings)
        took_s = _play(settings, timedelta(hours=hours), speed)
        records = sum(_records(settings).values()) - sum(before.values())
        rss_end = _rss_mb(process)
        lost, twice, wrong = _compared(settings)
    return {
        "hours": hours,
        "real_s": round(took_s, 1),
        "records": records,
        "rss_start_mb": rss_start,
        "rss_end_mb": rss_end,
        "lost": lost,
        "duplicates": twice,
        "wrong": wrong,
    }


def _play(settings: Settings, length: timedelta, speed: float) -> float:
    """Let the day go by, one outage after the other; how many seconds that took."""
    began = time.monotonic()
    whole_s = length.total_seconds() / speed
    parts = sorted(PARTS & settings.sources.keys())
    stretch_s = whole_s * _LAST_STRETCH / len(parts)
    for part in parts:
        write_control(settings.data, Control(stopped=frozenset({part})))
        time.sleep(min(stretch_s / 2, _OUTAGES_MOST_S))
        write_control(settings.data, Control())
        time.sleep(max(stretch_s - min(stretch_s / 2, _OUTAGES_MOST_S), 0))
    time.sleep(max(whole_s - (time.monotonic() - began), 0))
    write_control(settings.data, Control(finished=True))
    _wait(lambda: _is_even(settings), _ENDS_WITHIN_S)
    return time.monotonic() - began


def _compared(settings: Settings) -> tuple[int, int, int]:
    """How many incidents are missing, are there twice, and have a wrong verdict."""
    now = datetime.fromisoformat(str(_waiting(settings)["finished"]))
    cases = {(case.source, _key(case)): case for case in _truth(settings)}
    known = {key for key, case in cases.items() if case.known_from and case.known_from <= now}
    wrong, there = 0, set[tuple[str, str]]()
    extra = 0
    installation = open_installation(settings, replayed=False)
    for milestone in TARGETED:
        found = _rows(installation, milestone, now)
        there = {(row["source"], row["incident_key"]) for row in found}
        extra = len(found) - len(there & cases.keys())
        for row in found:
            case = cases.get((row["source"], row["incident_key"]))
            said = row["reason"] if row["verdict"] == "excluded" else row["verdict"]
            if case is not None and said != verdict(case, milestone, staged=False, now=now):
                wrong += 1
    installation.store.close()
    return len(known - there), extra, wrong


def _rows(installation: Any, milestone: Milestone, now: datetime) -> list[dict[str, Any]]:
    zone = installation.desk.zone
    asked = {"milestone": milestone.value, "as_of": now.isoformat()}
    query = parse(asked, now=now, zone=zone)
    with installation.store.reading() as reader:
        return rows(reader, query, installation.desk)


def _truth(settings: Settings) -> list[Case]:
    return read_truth(settings.data / FOLDER / TRUTH_FILE)


def _key(case: Case) -> str:
    return case.key if case.kind != "smoke" else f"{case.key}@{case.t0:%Y-%m-%dT%H:%M:%S}.000Z"


def _config(folder: Path, speed: float, weeks: int) -> Path:
    text = CONFIG.read_text(encoding="utf-8")
    wanted = {"speed": f"{speed:g}", "weeks": str(weeks), "street": f'"{CONFIG.parent}/demo"'}
    lines = []
    for line in text.replace('"demo/', f'"{CONFIG.parent}/demo/').splitlines():
        key = line.partition(" = ")[0]
        lines.append(f"{key} = {wanted.pop(key)}" if key in wanted else line)
    file = folder / "demo.toml"
    calendar = f'"{CONFIG.parent}/calendars/'
    file.write_text("\n".join(lines).replace('"calendars/', calendar), encoding="utf-8")
    return file


@contextmanager
def _running(
    config: Path, environ: dict[str, str], settings: Settings
) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, str(ROOT / "app.py"), "run", "--config", str(config)]
    process = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)
    try:
        _wait(lambda: read_played(settings.data) is not None, _STARTS_WITHIN_S)
        _wait(lambda: _answers(environ), _STARTS_WITHIN_S)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_ENDS_WITHIN_S)


def _answers(environ: dict[str, str]) -> bool:
    try:
        with urllib.request.urlopen(_health(environ["GRID135_PORT"]), timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _health(port: str | int) -> str:
    return f"http://127.0.0.1:{port}/health"


def _is_even(settings: Settings) -> bool:
    """Whether all that was let out is stored, and remains so for longer than any poll takes."""
    seen: dict[str, int] | None = None
    for _ in range(8):
        waiting = _waiting(settings)["waiting"]
        held = {"market96315"}  # the next workbook holds these
        stored = _records(settings)
        if any(n for source, n in waiting.items() if source not in held) or not stored:
            return False
        if seen is not None and not _finished(settings):
            return True  # a street that goes on is never quite even
        if seen is not None and seen != stored:
            return False
        seen = stored
        time.sleep(1)
    return True


def _finished(settings: Settings) -> bool:
    return _waiting(settings)["finished"] is not None


def _waiting(settings: Settings) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((settings.data / FOLDER / WAITING_FILE).read_bytes())
    return said


def _records(settings: Settings) -> dict[str, int]:
    """Records by source, as the product tells."""
    with urllib.request.urlopen(_health(settings.server.port), timeout=30) as answer:
        return {line["id"]: line["records"] for line in json.load(answer)["sources"]}


def _wait(done: Callable[[], bool], most_s: float) -> None:
    end = time.monotonic() + most_s
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {most_s:g} s")
        time.sleep(0.5)


def _rss_mb(process: subprocess.Popen[bytes]) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return round(int(line.split()[1]) / 1024, 1)


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
