"""Half an hour of a street in fast time, for runs that are to be compared: one seed, one story.

Smoke detectors push their alarms; a fire station pushes what it does about each, from another
source, so that two processes speak of one incident; police calls and complaints come in files.
Every incident is told in several records, and some records are told twice.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

SECRET = "of-the-benchmark"
SECRET_VARIABLE = "GRID135_BENCH_PUSH"
LENGTH = timedelta(minutes=30)

_PUSH = """
[sources.{name}]
name = "{name}"
[sources.{name}.connector]
type = "webhook"
auth = {{ type = "bearer", secret = "GRID135_BENCH_PUSH" }}
rate = 100000.0
burst = 100000
"""
_FILES = """
[sources.{name}]
name = "{name}"
every = "200ms"
connector = {{ type = "file_drop", path = "{inbox}/{name}/*.csv" }}

[sources.{name}.decoder]
type = "table"
incident = "id"
record = "record"
kind = "{kind}"
position = {{ lat = "lat", lon = "lon" }}
milestones = {{ reported = "reported", dispatched = "dispatched", arrived = "arrived", resolved = "resolved" }}
"""  # noqa: E501 - a table on one line, as TOML has it
CONFIG = (
    """
[area]
code = "330102014"
name = "Benchmark"
time_zone = "Asia/Shanghai"
synthetic = true

[grids]
file = "{grids}"
code = "code"
name = "name"
parent = "community"

[kinds.smoke]
name = "Smoke"
[kinds.police]
name = "Police"
[kinds.complaint]
name = "Complaint"
class = "complaint"
"""
    + _PUSH.format(name="smoke")
    + """
[sources.smoke.decoder]
type = "device_table"
device = "device"
time = "at"
kind = "smoke"
states = { column = "state", map = { alarm = "alarm", here = "here" } }
position = { lat = "lat", lon = "lon" }
"""
    + _PUSH.format(name="station")
    + """
[sources.station.decoder]
type = "table"
alarm = { source = "smoke", device = "device", at = "alarm" }
record = "record"
sparse = true
kind = "smoke"
unit = "unit"
milestones = { accepted = "accepted", dispatched = "dispatched", arrived = "arrived", resolved = "resolved" }
"""  # noqa: E501
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """Something a source says, when in the story, and the name it can be found by."""

    at: datetime
    source: str
    name: str
    body: bytes


def config(folder: Path, grids: Path) -> Path:
    """The street's configuration, with folders for the sources of files."""
    inbox = folder / "in"
    text = CONFIG.replace("{grids}", str(grids))
    for name, kind in (("calls", "police"), ("hotline", "complaint")):
        (inbox / name).mkdir(parents=True, exist_ok=True)
        text += _FILES.format(name=name, kind=kind, inbox=inbox)
    file = folder / "street.toml"
    file.write_text(text, encoding="utf-8")
    return file


def story(*, began: datetime, incidents: int, seed: int = 135) -> list[Record]:
    """Everything that is said in the half hour, in the order of the story.

    It should have begun today: the clock of a device that is a day off is not believed.
    """
    chance = random.Random(seed)
    said = [record for number in range(incidents) for record in _told(number, began, chance)]
    said += [r for r in said if chance.random() < 0.05]
    return sorted(said, key=lambda record: (record.at, record.name))


def _told(number: int, start: datetime, chance: random.Random) -> Iterator[Record]:
    began = start + timedelta(seconds=int(chance.uniform(0, 1500)))
    place = (30.25 + chance.uniform(0, 0.02), 120.20 + chance.uniform(0, 0.03))
    if number % 2:
        yield from _by_file(number, began, place, chance)
    else:
        yield from _by_push(number, began, place, chance)


def _after(began: datetime, chance: random.Random) -> dict[str, datetime]:
    """When the milestones were; some came too late, some were never told."""
    at, found = began, {}
    for name, usual_s in (
        ("accepted", 25),
        ("dispatched", 70),
        ("arrived", 160),
        ("resolved", 300),
    ):
        at += timedelta(seconds=int(chance.expovariate(1 / usual_s)))
        if chance.random() < 0.95:
            found[name] = at
    return found


def _by_push(
    number: int, began: datetime, place: tuple[float, float], chance: random.Random
) -> Iterator[Record]:
    device = f"D{number:05}"
    alarm = {"device": device, "at": began.isoformat(), "state": "alarm"}
    alarm |= {"lat": f"{place[0]:.6f}", "lon": f"{place[1]:.6f}"}
    yield Record(at=began, source="smoke", name=device, body=_json(alarm))
    for name, moment in _after(began, chance).items():
        record = f"S-{number}-{name}"
        told = {"device": device, "alarm": began.isoformat(), "record": record, "unit": "U1"}
        body = _json(told | {name: moment.isoformat()})
        yield Record(at=moment, source="station", name=record, body=body)


def _by_file(
    number: int, began: datetime, place: tuple[float, float], chance: random.Random
) -> Iterator[Record]:
    source = "hotline" if number % 4 == 3 else "calls"
    later = _after(began, chance)
    for part, names in (("a", ()), ("b", ("dispatched", "arrived")), ("c", tuple(later))):
        times = {n: later[n].isoformat() if n in names and n in later else "" for n in TIMES}
        record = f"F-{number}-{part}"
        cells = (
            record, f"F-{number}", began.isoformat(), *times.values(),
            f"{place[0]:.6f}", f"{place[1]:.6f}",
        )  # fmt: skip
        told_at = max((later[n] for n in names if n in later), default=began)
        yield Record(at=told_at, source=source, name=record, body=",".join(cells).encode())


TIMES = ("dispatched", "arrived", "resolved")
HEADER = ",".join(("record", "id", "reported", *TIMES, "lat", "lon")).encode()


def _json(content: dict[str, str]) -> bytes:
    return json.dumps(content).encode()
