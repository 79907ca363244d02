"""Smoke and other detectors: mostly false alarms, what the fire stations do about them, faults."""

from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from pipelines.demo.model.case import Case, LeftOut, Message, Revisions, Telling
from pipelines.demo.model.draws import COOKING, EVERY_DAY, Rhythm, Slot, chance, lasting
from pipelines.demo.model.street import Device, Street, near
from pipelines.demo.model.trips import trip
from pipelines.model.fact import Reason
from pipelines.model.milestone import Milestone

STATION = "micro_station"
ALARMS = Rhythm(3285, COOKING, EVERY_DAY)
TROUBLES = Rhythm(1500, COOKING, EVERY_DAY)
"""What is the matter with devices, without any fire."""

_REPEATS_S = {"fire_alarm": (4, 9), "smoke_mqtt": (60, 120), "smoke_push": (45,)}
"""How long after the first alarm a device of each source says so again."""
_TROUBLES = {
    "fire_alarm": ("fault", "muted", "test", "supervised"),
    "smoke_mqtt": ("fault", "low_battery", "tamper"),
    "smoke_push": ("fault", "low_battery", "tamper", "offline"),
}
ALARM, NORMAL = "alarm", "normal"
_OVER = {"offline": "online"}
"""What says that a trouble is over, where that is not just ``normal``."""


_HURRIED = "station-08"
"""The station whose people often tap their arrival before they have left it."""
_HANDED_BACK = 0.03


class _Response(NamedTuple):
    """How a fire station's answer ends: what it is called, and the share of answers."""

    outcome: str
    share: float


_RESPONSES = (
    _Response("false_alarm", 0.86),
    _Response("cancelled", 0.07),  # seen on a camera, or heard by telephone, that it is nothing
    _Response("drill", 0.03),
    _Response("fire", 0.04),
)


def alarms(street: Street, slot: Slot) -> list[Case]:
    """The alarms of one hour, each with what a fire station did about it."""
    moments = slot.moments(ALARMS)
    devices = slot.random.sample(_on_duty(street, slot), len(moments))
    return [
        _case(street, slot, device, number, t0)
        for number, (device, t0) in enumerate(zip(devices, moments, strict=True), 1)
    ]


def troubles(street: Street, slot: Slot) -> list[Message]:
    """What devices say of themselves in one hour; nothing that opens an incident."""
    said: list[Message] = []
    moments = slot.moments(TROUBLES)
    devices = slot.random.sample(_on_duty(street, slot), len(moments))
    for device, begins in zip(devices, moments, strict=True):
        word = slot.random.choice(_TROUBLES[device.source])
        ends = begins + lasting(slot.random, 4 * 3600, 0.8)
        said.append(_said(device, begins, word, begins))
        said.append(_said(device, ends, _OVER.get(word, NORMAL), ends))
    return said


def _on_duty(street: Street, slot: Slot) -> list[Device]:
    """Every other device, in turns: alarms of one device are more than an hour apart."""
    turn = int(slot.start.timestamp()) // 3600 % 2
    able = [device for device in street.devices if device.type != "transmission"]
    return [device for number, device in enumerate(able) if number % 2 == turn]


def _said(device: Device, at: datetime, word: str, sent: datetime) -> Message:
    """``at`` is the device's own time of it, ``sent`` when it gets through."""
    return Message(sent, device.source, {"device": device.device, "status": word, "at": at})


def _case(street: Street, slot: Slot, device: Device, number: int, t0: datetime) -> Case:
    random, telling = slot.random, Telling()
    late = timedelta(0)
    if chance(random, 0.04):
        telling.wrong.append("sent late, out of order")
        late = lasting(random, 1200, 0.7)
    again = [timedelta(seconds=s) for s in _REPEATS_S[device.source]]
    alarms = [_said(device, t0, ALARM, t0 + late)]
    for pause in again:
        # a frame is sent three times as it is; the others say anew that it still burns
        at = t0 if device.source == "fire_alarm" else t0 + pause
        alarms.append(_said(device, at, ALARM, t0 + late + pause))
    over = t0 + late + again[-1] + lasting(random, 500, 0.4)
    alarms.append(_said(device, over, NORMAL, over))
    telling.say(Milestone.REPORTED, t0, t0 + late)
    happened = {Milestone.REPORTED: t0}
    answer = _Answer(street, slot, device, number, t0, telling, happened)
    answered, left_out = answer.given()
    return Case(
        source=device.source,
        key=device.device,
        kind="smoke",
        happened=happened,
        told=tuple(telling.told),
        messages=tuple(sorted((*alarms, *answered, *answer.trip), key=lambda message: message.at)),
        known_from=min(message.at for message in (*alarms, *answered)),
        left_out=left_out,
        wrong=tuple(telling.wrong),
    )


class _Answer:
    """What the fire station does about one alarm, and what it tells of that."""

    def __init__(
        self,
        street: Street,
        slot: Slot,
        device: Device,
        number: int,
        t0: datetime,
        telling: Telling,
        happened: dict[Milestone, datetime],
    ) -> None:
        self._slot = slot
        self._device = device
        self._t0 = t0
        self._telling = telling
        self._happened = happened
        self._street = street
        self._sent = device.unit
        self.trip: tuple[Message, ...] = ()
        """That the station went there, if it did."""
        self._slowness = street.slowness(device.grid, slot.local.hour)
        # chance of its own, so that all else stays as it was drawn
        self._chance = Random(f"{device.device} {t0:%Y-%m-%d %H:%M:%S}")
        self._record = Revisions(
            system=device.source,
            device=device.device,
            alarm_time=t0.isoformat(),
            record=f"XF{slot.local:%Y%m%d%H}{number:02d}",
            unit=device.unit,
        )

    def given(self) -> tuple[list[Message], LeftOut | None]:
        """The station's records, and whether they say that the alarm is not to be counted."""
        random = self._slot.random
        share, outcome = random.random(), _RESPONSES[-1].outcome
        for response in _RESPONSES:
            if share < response.share:
                outcome = response.outcome
                break
            share -= response.share
        accepted = self._t0 + lasting(random, 14, 0.65)
        self._step(Milestone.ACCEPTED, "accepted", accepted, missing=0.02)
        sent = accepted + lasting(random, 14, 0.5)
        if outcome == "cancelled":
            over = accepted + lasting(random, 75, 0.5)
            self._end(Milestone.CANCELLED, outcome, over)
            return self._messages(), None
        self._step(Milestone.DISPATCHED, "dispatched", sent, missing=0.01)
        if chance(self._chance, _HANDED_BACK):
            sent = self._handed_back(sent)
        arrived = sent + lasting(random, 72 * self._slowness, 0.32)
        self._step(Milestone.ARRIVED, "arrived", arrived, missing=0.025)
        self._tap(arrived)
        over = arrived + lasting(random, 420, 0.5)
        scene = self._device.point
        self.trip = (trip(self._sent, scene, leaves=sent, arrives=arrived, over=over),)
        self._end(Milestone.RESOLVED, outcome, over)
        left_out = LeftOut(over + timedelta(seconds=2), Reason.DRILL)
        return self._messages(), left_out if outcome == "drill" else None

    def _step(self, milestone: Milestone, column: str, at: datetime, *, missing: float) -> None:
        self._happened[milestone] = at
        if chance(self._slot.random, missing):
            self._telling.wrong.append(f"{milestone} not recorded")
            return
        since = at + timedelta(seconds=2)
        self._record.change(since, **{column: at.isoformat()})
        self._telling.say(milestone, at, since)

    def _handed_back(self, sent: datetime) -> datetime:
        """退单: the station is out already; its neighbour goes. Returns when that one is sent."""
        back = sent + lasting(self._chance, 25, 0.4)
        self._step(Milestone.RETURNED, "returned", back, missing=0)
        again = back + lasting(self._chance, 15, 0.4)
        self._sent = self._street.next_to(self._device.unit)
        self._record.change(again, unit=self._sent)
        return again

    def _tap(self, arrived: datetime) -> None:
        """Where the people were when they entered their arrival; some had not left yet."""
        scene, early = self._device.point, self._device.unit == _HURRIED
        if chance(self._chance, 0.35 if early else 0.01):
            scene = self._street.unit(self._device.unit).point
        tapped = near(scene, self._chance)
        self._record.change(
            arrived + timedelta(seconds=2), tap_lat=str(tapped.lat), tap_lon=str(tapped.lon)
        )

    def _end(self, milestone: Milestone, outcome: str, at: datetime) -> None:
        self._happened[milestone] = at
        since = at + timedelta(seconds=2)
        self._record.change(since, resolved=at.isoformat(), outcome=outcome)
        self._telling.say(milestone, at, since)

    def _messages(self) -> list[Message]:
        rows: list[tuple[datetime, dict[str, Any]]] = list(self._record.rows())
        return [Message(at, STATION, row) for at, row in rows]
