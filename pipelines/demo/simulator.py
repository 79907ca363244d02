"""The simulator: makes the street's events as its clock goes on, and lets every part speak."""

import json
import logging
import shutil
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pipelines.clock import Clock
from pipelines.demo.control import Control, read_control
from pipelines.demo.model.agenda import Agenda
from pipelines.demo.model.case import Message
from pipelines.demo.model.street import Street, read_street
from pipelines.demo.parts.broker import MqttSensors
from pipelines.demo.parts.database import PoliceDatabase
from pipelines.demo.parts.drops import DisputeTable, LabourLines, MarketWorkbooks
from pipelines.demo.parts.part import Part
from pipelines.demo.parts.positions import UnitPositions
from pipelines.demo.parts.pushes import CtwingPushes, Pushes, as_json
from pipelines.demo.parts.service import HotlineService
from pipelines.demo.parts.transmission import TransmissionDevices
from pipelines.demo.played import FOLDER
from pipelines.demo.truth import TruthFile
from pipelines.settings import Settings

logger = logging.getLogger(__name__)

TICK_S = 0.1
TRUTH_FILE = "truth.jsonl"
WAITING_FILE = "waiting.json"
"""What was not let out yet, by source; ``finished`` is until when the street was played, or null.
"""
_SECRETS = {
    "hotline12345": "GRID135_DEMO_TOKEN",
    "smoke_push": "GRID135_DEMO_PUSH",
    "micro_station": "GRID135_DEMO_STATION",
    "unit_positions": "GRID135_DEMO_POSITIONS",
}


class Simulator:
    """Everything that is outside the product, in one object.

    :meth:`tick` is to be called a few times a second; it does what is due by the clock.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        assert settings.demo is not None
        self._data = settings.data
        self._clock = clock
        folder = settings.data / FOLDER
        street = read_street(settings.path(settings.demo.street))
        self.parts: Mapping[str, Part] = {
            source: make(_Place(settings, street, clock, folder))
            for source, make in _PARTS.items()
            if source in settings.sources
        }
        begin = clock.now() - timedelta(weeks=settings.demo.weeks)
        self._agenda = Agenda(
            street,
            seed=settings.demo.seed,
            zone=settings.area.time_zone,
            sources=tuple(self.parts),
            begin=begin,
        )
        self._truth = TruthFile(folder / TRUTH_FILE)
        self._control: Control | None = None
        self._said: str | None = None
        self._played_until = begin

    def tick(self) -> None:
        """Obey what was told, make what happens, and hand out what is due."""
        self._obey(read_control(self._data))
        now = self._clock.now()
        due: dict[str, list[Message]] = defaultdict(list)
        if self._control is not None and not self._control.finished:
            self._played_until = now
            cases, messages = self._agenda.until(now)
            self._truth.add(cases)
            for message in messages:
                due[message.source].append(message)
        for source, part in self.parts.items():
            part.take(due[source], now)
        self._say_what_waits()

    def stop(self) -> None:
        """Close every part."""
        for part in self.parts.values():
            part.close()

    def _obey(self, control: Control) -> None:
        if control == self._control:
            return
        before, self._control = self._control or Control(stopped=frozenset(self.parts)), control
        for source in sorted(control.stopped - before.stopped):
            logger.info("demo: %s stops", source)
            self.parts[source].close()
        for source in sorted(before.stopped - control.stopped):
            self.parts[source].open()
        if control.finished and not before.finished:
            for part in self.parts.values():
                part.finish()

    def _say_what_waits(self) -> None:
        """For those who want to know whether everything was let out."""
        waiting = {source: part.waiting for source, part in self.parts.items()}
        finished = self._control is not None and self._control.finished
        until = self._played_until.isoformat() if finished else None
        text = json.dumps({"finished": until, "waiting": waiting})
        if text != self._said:
            file = self._data / FOLDER / WAITING_FILE
            beside = file.with_suffix(".part")
            beside.write_text(text, encoding="utf-8")
            beside.replace(file)
            self._said = text


class _Place:
    """Where a part finds what it needs: the block of its source, the street, the folder."""

    def __init__(self, settings: Settings, street: Street, clock: Clock, folder: Path) -> None:
        self.settings = settings
        self.street = street
        self.clock = clock
        self.folder = folder

    def block(self, source: str) -> dict[str, Any]:
        connector: dict[str, Any] = self.settings.sources[source]["connector"]
        return connector

    def devices(self, source: str) -> list[Any]:
        return [device for device in self.street.devices if device.source == source]

    def secret(self, source: str) -> str:
        return self.settings.secrets.get(_SECRETS[source], "")

    def ingest(self, source: str) -> str:
        server = self.settings.server
        return f"http://{server.host}:{server.port}/ingest/{source}"


def _police(at: _Place) -> Part:
    url = str(at.block("police110")["url"])
    return PoliceDatabase(Path(url.removeprefix("sqlite:///")))


def _hotline(at: _Place) -> Part:
    demo = at.settings.demo
    assert demo is not None
    return HotlineService(
        at.block("hotline12345")["url"],
        token=at.secret("hotline12345"),
        seed=demo.seed,
        trouble=demo.trouble,
    )


def _market(at: _Place) -> Part:
    zone = at.settings.area.time_zone
    return MarketWorkbooks(Path(at.block("market96315")["path"]), zone=zone)


def _labour(at: _Place) -> Part:
    return LabourLines(Path(at.block("labour")["path"]).with_name("labour.jsonl"))


def _disputes(at: _Place) -> Part:
    return DisputeTable(Path(at.block("disputes")["path"]).with_name("disputes.csv"))


def _fire_alarm(at: _Place) -> Part:
    block = at.block("fire_alarm")
    devices = at.devices("fire_alarm")
    host = block.get("host", "127.0.0.1")
    return TransmissionDevices(host, block["port"], devices=devices, clock=at.clock)


def _mqtt(at: _Place) -> Part:
    block = at.block("smoke_mqtt")
    folder, devices = at.folder / "mosquitto", at.devices("smoke_mqtt")
    host = block.get("host", "127.0.0.1")
    return MqttSensors(folder, host, block["port"], devices=devices, clock=at.clock)


def _push(at: _Place) -> Part:
    secret, devices = at.secret("smoke_push"), at.devices("smoke_push")
    return CtwingPushes(at.ingest("smoke_push"), secret=secret, devices=devices)


def _station(at: _Place) -> Part:
    return Pushes(at.ingest("micro_station"), secret=at.secret("micro_station"), written=as_json)


def _positions(at: _Place) -> Part:
    secret = at.secret("unit_positions")
    return UnitPositions(at.ingest("unit_positions"), secret=secret, street=at.street)


_PARTS: dict[str, Callable[[_Place], Part]] = {
    "police110": _police,
    "hotline12345": _hotline,
    "market96315": _market,
    "labour": _labour,
    "disputes": _disputes,
    "fire_alarm": _fire_alarm,
    "smoke_mqtt": _mqtt,
    "smoke_push": _push,
    "micro_station": _station,
    "unit_positions": _positions,
}
"""The part behind each source of the demo street."""

PARTS = frozenset(_PARTS)


def clear(data: Path) -> None:
    """Begin with an empty folder."""
    shutil.rmtree(data / FOLDER, ignore_errors=True)
    (data / FOLDER).mkdir(parents=True)


def play(simulator: Simulator, stopped: threading.Event, *, seen: Callable[[], None]) -> None:
    """Tick until stopped; ``seen`` is called every second or so."""
    number = 0
    while not stopped.wait(TICK_S):
        simulator.tick()
        number += 1
        if number % 10 == 0:
            seen()
    simulator.stop()
