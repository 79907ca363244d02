"""A smoke alarm pushed by a platform, and what the micro fire station does about it."""

import itertools
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.builders import NINE, at
from tests.pipelines.pushing import VARIABLE, Street, a_street

SOURCES = f"""
[devices]
file = "devices.csv"

[sources.smoke_push]
name = {{ zh = "平台烟感", en = "Smoke detectors, pushed" }}
connector = {{ type = "webhook", auth = {{ type = "bearer", secret = "{VARIABLE}" }} }}
[sources.smoke_push.decoder]
type = "ctwing"
kind = "smoke"
battery = "Battery_Level"
states = {{ column = "Alarm_Status", map = {{ 1 = "alarm", 2 = "muted", 7 = "normal" }} }}

[sources.micro_station]
name = {{ zh = "微型消防站", en = "Micro fire station" }}
connector = {{ type = "webhook", auth = {{ type = "bearer", secret = "{VARIABLE}" }} }}
[sources.micro_station.decoder]
type = "table"
alarm = {{ source = "smoke_push", device = "device", at = "alarm_time" }}
record = "record"
unit = "unit"
kind = "smoke"
sparse = true
method = "tap"
[sources.micro_station.decoder.milestones]
accepted = "accepted"
dispatched = "dispatched"
arrived = "arrived"
resolved = "resolved"
"""
REGISTER = """source,device,name,type,address,lat,lon
smoke_push,S-1,钱江苑3幢 烟感,smoke,钱江路1号,30.05,120.05
"""


def the_alarm(seconds: float = 0, *, status: int = 1) -> tuple[str, dict[str, Any]]:
    data = {"Alarm_Status": status, "Battery_Level": 90}
    return "smoke_push", {
        "messageType": "dataReport",
        "deviceId": "S-1",
        "timestamp": int(at(seconds).timestamp() * 1000),
        "payload": {"serviceId": "notification", "serviceData": data},
    }


def the_response(alarm: float = 0, **said: Any) -> tuple[str, dict[str, Any]]:
    """What the station says, with times in seconds after nine."""
    row = {"device": "S-1", "alarm_time": at(alarm).isoformat(), "record": "R-1", "unit": "WZ-07"}
    times = {name: at(value).isoformat() for name, value in said.items() if name != "outcome"}
    return "micro_station", row | times | {"outcome": said.get("outcome", "false_alarm")}


ALARM = the_alarm()
REPEAT = the_alarm(60)
RESET = the_alarm(400, status=7)
GOING = the_response(accepted=20, dispatched=45)
OVER = the_response(accepted=20, dispatched=45, arrived=150, resolved=390)


def a_register(folder: Path) -> None:
    (folder / "devices.csv").write_text(REGISTER, encoding="utf-8")


def the_incident(street: Street) -> Any:
    (incident,) = street.incidents().values()
    return incident


@pytest.mark.parametrize(
    "order",
    list(itertools.permutations([ALARM, REPEAT, OVER])),
    ids=[
        "alarm first",
        "alarm, response",
        "repeat first",
        "repeat, response",
        "response first",
        "response, repeat",
    ],
)
def test_a_response_lands_on_the_incident_of_its_alarm_whatever_comes_first(
    tmp_path: Path, order: tuple[tuple[str, dict[str, Any]], ...]
) -> None:
    a_register(tmp_path)
    with a_street(tmp_path, SOURCES, seconds=500) as street:
        for source, body in order:
            assert street.push(source, body).status_code == 200
            street.clock.advance(timedelta(seconds=1))

        incident = the_incident(street)
        arrived = [
            (line["hit"], line["miss"])
            for line in street.live.kpi({"milestone": "arrived", "reading": "cumulative"})
        ]

    assert (incident.source, incident.kind, incident.grid) == ("smoke_push", "smoke", "G1")
    assert incident.key == "S-1@2026-03-02T01:00:00.000Z"
    stamps = ("reported", "accepted", "dispatched", "arrived", "resolved")
    moments = [getattr(incident, f"{name}_ms") - NINE.timestamp() * 1000 for name in stamps]
    assert moments == [0, 20_000, 45_000, 150_000, 390_000]
    assert arrived == [(1, 0)]


def test_a_later_word_of_the_station_replaces_its_first_and_a_reset_ends_the_alarm(
    tmp_path: Path,
) -> None:
    a_register(tmp_path)
    with a_street(tmp_path, SOURCES, seconds=500) as street:
        for source, body in (ALARM, GOING):
            street.push(source, body)
        before = the_incident(street)
        for source, body in (OVER, RESET, GOING):
            street.clock.advance(timedelta(seconds=1))
            street.push(source, body)
        after = the_incident(street)
        (device,) = [row for row in street.rows("device") if "S-1" in row]

    assert (before.accepted_ms, before.arrived_ms) == (after.accepted_ms, None)
    assert after.arrived_ms is not None
    assert after.resolved_ms is not None
    assert "alarm" in str(device)
