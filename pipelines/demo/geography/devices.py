"""The devices of the demo street: detectors behind transmission devices, MQTT and NB-IoT ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, pi, sin
from random import Random

from pipelines.demo.geography.frame import DECIMALS
from pipelines.demo.geography.land import STREET
from pipelines.demo.geography.places import Place
from pipelines.demo.geography.units import Unit, nearest_station

PANELS = {"tower": 30, "estate": 6, "school": 4}
"""How many places of each type have a user transmission device, largest first."""
BEHIND = (("smoke", 3), ("heat", 1), ("manual", 1))
"""What reports through each of them."""
MQTT = (("smoke", 48), ("gas", 20), ("heat", 12))
PUSHED = 60
_FIRE_ALARM_SYSTEM = 1
"""GB/T 26875.3 table 4: 1 is 火灾自动报警系统."""
_POINT_SHIFT = 16
"""A component's address is its zone, and its number in the upper 16 bits."""
_SCATTER_DEG = 0.00007

NAMES = {
    "smoke": ("感烟", "smoke detector"),
    "heat": ("感温", "heat detector"),
    "gas": ("可燃气", "gas detector"),
    "manual": ("手报", "call point"),
    "transmission": ("传输装置", "transmission device"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """One device as its source names it, and the place it guards."""

    source: str
    device: str
    type: str
    place: Place
    where: tuple[str, str]
    lat: float
    lon: float
    unit: str

    @property
    def name(self) -> str:
        """Its name in Chinese."""
        return f"{self.place.name}{self.where[0]}{NAMES[self.type][0]}"

    @property
    def name_en(self) -> str:
        """Its name in English."""
        return " ".join(filter(None, (self.place.name_en, self.where[1], NAMES[self.type][1])))


def make_devices(
    places: Sequence[Place], units: Sequence[Unit], random: Random
) -> tuple[Device, ...]:
    """All devices, by source."""
    maker = _Maker(units, random)
    estates = [place for place in places if place.type == "estate"]
    return (
        *_fire_alarm(places, maker),
        *_mqtt(places, maker),
        *_pushed(estates, maker),
    )


class _Maker:
    """Puts a device somewhere in a place, with the station that is nearest."""

    def __init__(self, units: Sequence[Unit], random: Random) -> None:
        self._units = units
        self.random = random

    def make(
        self, source: str, device: str, kind: str, place: Place, where: tuple[str, str]
    ) -> Device:
        """A device within ten metres of the place's own point."""
        turn, far = self.random.uniform(0, 2 * pi), self.random.uniform(0.2, 1) * _SCATTER_DEG
        lat = round(place.lat + far * sin(turn), DECIMALS)
        lon = round(place.lon + far * cos(turn), DECIMALS)
        return Device(
            source=source,
            device=device,
            type=kind,
            place=place,
            where=where,
            lat=lat,
            lon=lon,
            unit=nearest_station(self._units, lon, lat),
        )

    def floor(self, place: Place) -> tuple[str, str]:
        """A storey of the place, in both languages."""
        storey = self.random.randint(1, place.floors)
        return f"{storey}层", f"{storey}F"


def _fire_alarm(places: Sequence[Place], maker: _Maker) -> Iterator[Device]:
    for serial, place in enumerate(_with_panel(places), 1):
        address = f"{STREET}{serial:04d}"
        yield maker.make("fire_alarm", address, "transmission", place, ("", ""))
        point = 0
        for kind, count in BEHIND:
            for _ in range(count):
                point += 1
                storey = maker.floor(place)
                zone = int(storey[1].removesuffix("F"))
                component = zone | point << _POINT_SHIFT
                device = f"{address}/{_FIRE_ALARM_SYSTEM}/1/{component}"
                yield maker.make("fire_alarm", device, kind, place, storey)


def _with_panel(places: Sequence[Place]) -> list[Place]:
    chosen = []
    for kind, count in PANELS.items():
        own = sorted((p for p in places if p.type == kind), key=lambda p: (-p.population, p.code))
        chosen.extend(own[:count])
    return sorted(chosen, key=lambda p: p.code)


def _mqtt(places: Sequence[Place], maker: _Maker) -> Iterator[Device]:
    serial = 0
    for kind, count in MQTT:
        for _ in range(count):
            serial += 1
            place = maker.random.choice(places)
            yield maker.make("smoke_mqtt", f"smk-{serial:04d}", kind, place, maker.floor(place))


def _pushed(estates: Sequence[Place], maker: _Maker) -> Iterator[Device]:
    for serial in range(1, PUSHED + 1):
        place = maker.random.choice(estates)
        imei = _imei(serial)
        yield maker.make("smoke_push", imei, "smoke", place, maker.floor(place))


def _imei(serial: int) -> str:
    """Fifteen digits as an IMEI has them, the last one the Luhn check; of no maker."""
    body = f"8600000{serial * 7919 % 10_000_000:07d}"
    total = 0
    for i, digit in enumerate(map(int, body)):
        doubled = digit * 2 if i % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return f"{body}{-total % 10}"
