"""What every connector promises that is told its news; a new one joins with an entry in ``PEERS``.

``PEERS`` says, by the connector's name, how to have a peer of it: a function from a street that
runs, made with ``SOURCES``, to a peer that can send over the real protocol.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.brokers import ANYBODY, Broker, comes_true, free_port, until
from tests.builders import at
from tests.pipelines.connectors.transmission import a_fire, a_frame, answered
from tests.pipelines.pushing import VARIABLE, Street, a_street


class Peer(Protocol):
    """Something that sends records; each method says whether the record was acknowledged."""

    def alarm(self, device: int) -> bool:
        """Send the alarm of a device at nine: always the same bytes for the same device."""
        ...

    def nonsense(self) -> bool:
        """Send something authentic that cannot be understood."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


SOURCES = f"""
[sources.webhook]
name = "webhook"
connector = {{ type = "webhook", auth = {{ type = "bearer", secret = "{VARIABLE}" }} }}
[sources.webhook.decoder]
type = "device_table"
device = "device"
time = "at"
kind = "smoke"
states = {{ column = "state", map = {{ alarm = "alarm" }} }}

[sources.gb26875_tcp]
name = "gb26875_tcp"
connector = {{ type = "gb26875_tcp", port = 0 }}
decoder = {{ type = "gb26875", kind = "smoke" }}

[sources.mqtt]
name = "mqtt"
[sources.mqtt.connector]
type = "mqtt"
host = "127.0.0.1"
port = PORT
client_id = "grid135"
topics = ["street/#"]
[sources.mqtt.decoder]
type = "device_table"
device = "device"
time = "at"
kind = "smoke"
states = {{ column = "state", map = {{ alarm = "alarm" }} }}
"""


class Platform:
    """Pushes to a webhook."""

    def __init__(self, street: Street) -> None:
        self._street = street

    def alarm(self, device: int) -> bool:
        body = {"device": f"S-{device}", "at": at(0).isoformat(), "state": "alarm"}
        return self._street.push("webhook", body).status_code == 200

    def nonsense(self) -> bool:
        return self._street.push("webhook", b"\xff\x00 nonsense").status_code == 200

    def close(self) -> None:
        pass


class TransmissionDevice:
    """Reports to a gb26875_tcp server."""

    def __init__(self, street: Street) -> None:
        self._street = street

    def alarm(self, device: int) -> bool:
        return answered(self._street.installation, a_fire(device=device, at=at(0)))

    def nonsense(self) -> bool:
        objects_of_another_length = b"\x02\x01" + bytes(16)
        return answered(self._street.installation, a_frame(objects_of_another_length, sent=at(0)))

    def close(self) -> None:
        pass


class Sensor:
    """Publishes to a broker, which passes it on to the product."""

    def __init__(self, street: Street) -> None:
        port = street.installation.settings.sources["mqtt"]["connector"]["port"]
        self._broker = Broker(folder=street.installation.settings.data, port=port, options=ANYBODY)
        self._broker.start()
        until(lambda: "Sending SUBACK to grid135" in self._broker.log(), self._broker.log)

    def alarm(self, device: int) -> bool:
        body = {"device": f"S-{device}", "at": at(0).isoformat(), "state": "alarm"}
        return self._published(json.dumps(body).encode())

    def nonsense(self) -> bool:
        return self._published(b"\xff\x00 nonsense")

    def close(self) -> None:
        self._broker.stop()

    def _published(self, payload: bytes) -> bool:
        before = self._acknowledged()
        self._broker.publish(("street/sensor", payload))
        return comes_true(lambda: self._acknowledged() > before, within_s=3)

    def _acknowledged(self) -> int:
        return self._broker.log().count("Received PUBACK from grid135")


PEERS: dict[str, Callable[[Street], Peer]] = {
    "gb26875_tcp": TransmissionDevice,
    "mqtt": Sensor,
    "webhook": Platform,
}


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    with a_street(tmp_path, SOURCES.replace("PORT", str(free_port()))) as street:
        yield street


@pytest.fixture(params=sorted(PEERS))
def peer(street: Street, request: pytest.FixtureRequest) -> Iterator[Peer]:
    peer = PEERS[request.param](street)
    yield peer
    peer.close()


def no_space(_: object) -> None:
    raise OSError("no space left on device")


def test_a_record_is_on_disk_once_it_is_acknowledged(street: Street, peer: Peer) -> None:
    for device in range(5):
        assert peer.alarm(device)

        assert len(street.incidents()) == device + 1


def test_what_was_not_stored_is_not_acknowledged_and_stored_once_when_sent_again(
    street: Street, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(street.installation.door, "guard", no_space)
        assert not peer.alarm(1)
        assert not street.rows("report")

    assert peer.alarm(1)

    assert len(street.rows("report")) == 1
    assert len(street.rows("signal")) == 1


def test_a_bad_record_stops_no_good_one_and_is_kept(street: Street, peer: Peer) -> None:
    assert [peer.alarm(1), peer.nonsense(), peer.alarm(2)] == [True, True, True]

    assert len(street.incidents()) == 2
    assert len(street.rows("quarantine")) == 1


def test_the_same_again_changes_nothing(street: Street, peer: Peer) -> None:
    tables = ("incident", "report", "fact", "signal", "alarm", "quarantine", "rollup")
    peer.alarm(1)
    peer.nonsense()
    before = {name: street.rows(name) for name in tables}

    for _ in range(3):
        assert peer.alarm(1)
        assert peer.nonsense()

    assert {name: street.rows(name) for name in tables} == before
