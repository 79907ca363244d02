"""What is published to a real Mosquitto: never lost, never twice, whatever stops in between."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.door.inspection import decode_file
from pipelines.feeds.sources import build_sources
from pipelines.settings import load
from tests.brokers import PASSWORD, USER, Broker, a_broker, certificates, until
from tests.builders import NINE, at
from tests.pipelines.installations import the_settings
from tests.pipelines.pushing import VARIABLE, Street, a_street

ROOT = Path(__file__).parents[3]
NINE_MS = int(NINE.timestamp() * 1000)

SOURCE = """
[sources.smoke_mqtt]
name = "Smoke detectors"
[sources.smoke_mqtt.connector]
type = "mqtt"
host = "127.0.0.1"
port = {port}
client_id = "grid135"
topics = {topics}
timeout = "5s"
{options}
[sources.smoke_mqtt.decoder]
{decoder}
"""
TABLE = """
type = "device_table"
device = "device"
time = "ts"
time_format = "epoch_ms"
kind = "smoke"
battery = "battery"
values = { temperature = { column = "temp", unit = "℃" } }
states = { column = "status", map = { 0 = "here", 1 = "alarm", 4 = "low_battery", 7 = "normal" } }
"""
TOPICS = ("street/sensor/+/state",)


def the_source(
    broker: Broker,
    options: str = "",
    *,
    topics: tuple[str, ...] = TOPICS,
    decoder: str = TABLE,
) -> str:
    return SOURCE.format(
        port=broker.port, topics=json.dumps(topics), options=options, decoder=decoder
    )


def a_state(device: str = "smk-0001", status: int = 1, seconds: float = 0) -> tuple[str, str]:
    """A message of a sensor, ``seconds`` after nine."""
    said = {"device": device, "ts": NINE_MS + int(seconds * 1000), "status": status, "battery": 87}
    return f"street/sensor/{device}/state", json.dumps(said | {"temp": 23.5})


def ten_alarms(first: int = 0) -> list[tuple[str, str]]:
    return [a_state(f"smk-{n:04}", seconds=n) for n in range(first, first + 10)]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with a_broker(tmp_path / "broker") as broker:
        yield broker


@contextmanager
def a_subscriber(folder: Path, source: str) -> Iterator[Street]:
    """A street that is connected to the broker and has subscribed."""
    with a_street(folder, source) as street:
        until(lambda: line(street)["last_success_at"] is not None, lambda: str(line(street)))
        yield street


def line(street: Street) -> dict[str, Any]:
    """What /health says of the source."""
    (found,) = [s for s in street.live.health()["sources"] if s["id"] == "smoke_mqtt"]
    return dict(found)


def stored(street: Street) -> int:
    return len(street.rows("report"))


def acknowledged(broker: Broker) -> int:
    return broker.log().count("Received PUBACK from grid135")


VERSIONS = pytest.mark.parametrize("version", ["5", "3.1.1"])


@VERSIONS
def test_an_alarm_that_is_published_becomes_an_incident_and_is_acknowledged(
    tmp_path: Path, broker: Broker, version: str
) -> None:
    with a_subscriber(tmp_path, the_source(broker, f'version = "{version}"')) as street:
        broker.publish(a_state("smk-0001"))
        until(lambda: acknowledged(broker) == 1, broker.log)

        (incident,) = street.incidents().values()
        (device,) = street.rows("device")

    assert incident.kind == "smoke"
    assert device[:2] == ("smoke_mqtt", "smk-0001")


@VERSIONS
def test_what_is_published_while_the_product_is_away_is_delivered_when_it_is_back(
    tmp_path: Path, broker: Broker, version: str
) -> None:
    source = the_source(broker, f'version = "{version}"')
    with a_subscriber(tmp_path, source):
        pass
    broker.publish(*ten_alarms())

    with a_subscriber(tmp_path, source) as street:
        until(lambda: stored(street) == 10, broker.log)

        assert len(street.incidents()) == 10


def test_what_a_broker_held_when_it_was_stopped_is_delivered_when_both_are_back(
    tmp_path: Path, broker: Broker
) -> None:
    with a_subscriber(tmp_path, the_source(broker)):
        pass
    broker.publish(*ten_alarms())
    broker.stop()
    broker.start()

    with a_subscriber(tmp_path, the_source(broker)) as street:
        until(lambda: stored(street) == 10, broker.log)


@VERSIONS
def test_a_kill_between_the_commit_and_the_acknowledgement_loses_nothing_and_doubles_nothing(
    tmp_path: Path, broker: Broker, version: str
) -> None:
    source = the_source(broker, f'version = "{version}"')
    with a_subscriber(tmp_path, source):
        pass
    broker.publish(*ten_alarms())

    module = "tests.pipelines.connectors.killed_subscriber"
    killed = subprocess.run(
        [sys.executable, "-m", module, str(tmp_path)], cwd=ROOT, timeout=60, check=False
    )
    before = acknowledged(broker)
    with a_subscriber(tmp_path, source) as street:
        until(lambda: acknowledged(broker) == 10, broker.log)
        assert stored(street) == 10
        assert len(street.incidents()) == 10

    assert (killed.returncode, before) == (-9, 0)


def test_what_cannot_be_stored_is_not_acknowledged_and_is_stored_later(
    tmp_path: Path, broker: Broker
) -> None:
    with a_subscriber(tmp_path, the_source(broker)) as street:
        door = street.installation.door
        guard, tried = door.guard, []

        def full(*_: Any) -> None:
            tried.append(1)
            raise OSError("the disk is full")

        door.guard = full
        broker.publish(*ten_alarms())
        until(lambda: len(tried) > 12, broker.log)
        assert acknowledged(broker) == 0

        door.guard = guard
        until(lambda: acknowledged(broker) == 10, broker.log)
        assert stored(street) == 10


def test_what_makes_no_sense_is_set_aside_acknowledged_and_stops_nothing(
    tmp_path: Path, broker: Broker
) -> None:
    topic = "street/sensor/x/state"
    bad = [b"{", b"\xff\xfe", b"[" * 10_000, b"x" * (1 << 20), b'"ON"', b'{"status": 1}']

    with a_subscriber(tmp_path, the_source(broker)) as street:
        broker.publish(*((topic, payload) for payload in bad), a_state())
        until(lambda: acknowledged(broker) == 7, broker.log)

        kept = street.live.quarantine("smoke_mqtt")
        assert stored(street) == 1
        assert len(street.rows("quarantine")) == len(bad)
        assert line(street)["state"] != "down"
    assert kept


def test_one_message_may_hold_several_devices(tmp_path: Path, broker: Broker) -> None:
    states = [json.loads(a_state(f"smk-{n}")[1]) for n in range(3)]
    inside = the_source(broker, 'records = "data.rows"')

    with a_subscriber(tmp_path, inside) as street:
        payload = json.dumps({"gateway": 7, "data": {"rows": [*states, {"broken": 1}]}})
        broker.publish(("street/sensor/gateway/state", payload))
        until(lambda: acknowledged(broker) == 1, broker.log)

        assert len(street.incidents()) == 3
        assert len(street.rows("quarantine")) == 1


PARTS = """
type = "device_table"
device = "(topic.3)"
kind = "smoke"
states = { column = "(payload)", map = { ON = "alarm", OFF = "normal" } }
"""


def test_the_parts_of_the_topic_and_a_plain_payload_are_columns(
    tmp_path: Path, broker: Broker
) -> None:
    source = the_source(broker, 'payload = "text"', topics=("街道/#",), decoder=PARTS)

    with a_subscriber(tmp_path, source) as street:
        broker.publish(("街道/烟感/一号 楼", "ON"), ("elsewhere/x/y", "ON"), ("街道/烟感/2", "ON"))
        until(lambda: acknowledged(broker) == 2, broker.log)

        devices = {row[1] for row in street.rows("device")}
        assert devices == {"一号 楼", "2"}
        assert len(street.incidents()) == 2


@VERSIONS
def test_what_is_retained_is_heard_once_and_not_again_with_each_connection(
    tmp_path: Path, broker: Broker, version: str
) -> None:
    options = f'version = "{version}"\npayload = "text"'
    source = the_source(broker, options, topics=("street/#",), decoder=PARTS)
    broker.publish(("street/smoke/1", "ON"), retain=True)

    with a_subscriber(tmp_path, source) as street:
        until(lambda: acknowledged(broker) == 1, broker.log)
        before = street.rows("device")
    with a_subscriber(tmp_path, source) as street:
        street.clock.advance(timedelta(hours=3))
        broker.publish(("street/smoke/2", "ON"))
        until(lambda: len(street.rows("device")) == 2, broker.log)

        assert [row for row in street.rows("device") if row[1] == "1"] == before
        assert len(street.incidents()) == 2


DISCOVERY = """
type = "home_assistant"
kind = "smoke"
"""


@VERSIONS
def test_what_devices_announced_is_known_again_before_what_they_published_meanwhile(
    tmp_path: Path, broker: Broker, version: str
) -> None:
    options = f'version = "{version}"\npayload = "text"\ndescriptions = ["homeassistant/#"]'
    source = the_source(broker, options, topics=("sensors/#",), decoder=DISCOVERY)
    for n in range(50):
        announced = {"device_class": "smoke", "state_topic": f"sensors/{n}"}
        topic = f"homeassistant/binary_sensor/{n}/config"
        broker.publish((topic, json.dumps(announced)), retain=True)
    with a_subscriber(tmp_path, source):
        pass
    broker.publish(*((f"sensors/{n}", "ON") for n in range(50)))

    with a_subscriber(tmp_path, source) as street:
        until(lambda: acknowledged(broker) == 50, broker.log)

        assert street.rows("quarantine") == []
        assert len(street.incidents()) == 50


def test_a_broker_that_goes_away_is_down_once_and_back_once(tmp_path: Path, broker: Broker) -> None:
    with a_subscriber(tmp_path, the_source(broker)) as street:
        before = street.live._health.changes
        broker.stop()
        until(lambda: "cannot be reached" in str(line(street)["problem"]), lambda: line(street))
        during = street.live._health.changes
        broker.start()
        until(lambda: line(street)["problem"] is None, lambda: line(street))
        broker.publish(a_state())
        until(lambda: stored(street) == 1, broker.log)

        assert (during - before, street.live._health.changes - during) == (1, 1)


def test_a_broker_that_has_forgotten_the_session_is_named(
    tmp_path: Path, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    with a_subscriber(tmp_path, the_source(broker)):
        broker.stop()
        (broker.folder / "mosquitto.db").unlink()
        broker.start()
        until(lambda: "has forgotten the session of grid135" in caplog.text, broker.log)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificates(tmp_path_factory.mktemp("pki"))


def tls(folder: Path, more: str = "") -> str:
    return (
        f"cafile {folder}/ca.pem\ncertfile {folder}/broker.pem\nkeyfile {folder}/broker.key\n"
        f"allow_anonymous true\n{more}"
    )


def test_a_broker_with_tls_is_checked_against_the_authority(tmp_path: Path, pki: Path) -> None:
    with a_broker(tmp_path / "broker", tls(pki)) as broker:
        source = the_source(broker, f'tls = {{ ca_file = "{pki}/ca.pem" }}')
        with a_subscriber(tmp_path, source) as street:
            assert line(street)["problem"] is None


def test_large_messages_come_through_tls(tmp_path: Path, pki: Path) -> None:
    with a_broker(tmp_path / "broker", tls(pki, "max_inflight_messages 0\n")) as broker:
        source = the_source(broker, f'tls = {{ ca_file = "{pki}/ca.pem" }}')
        with a_subscriber(tmp_path, source) as street:
            topic, payload = a_state("smk-0000")
            padded = json.dumps({**json.loads(payload), "note": "x" * 300_000})
            with broker.publisher(ca_file=pki / "ca.pem") as publisher:
                publisher.publish((topic, padded), *ten_alarms(1))
            until(lambda: acknowledged(broker) == 11, broker.log)
            assert len(street.incidents()) == 11


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ('{{ ca_file = "{pki}/other.pem" }}', "certificate is not trusted"),
        ('{{ ca_file = "{pki}/none.pem" }}', "cannot be read as PEM"),
        ('{{ ca_file = "{pki}/ca.key" }}', "cannot be read as PEM"),
    ],
)
def test_an_authority_that_does_not_fit_is_named(
    tmp_path: Path, pki: Path, options: str, problem: str
) -> None:
    with a_broker(tmp_path / "broker", tls(pki)) as broker:
        source = the_source(broker, f"tls = {options.format(pki=pki)}")
        with a_street(tmp_path, source) as street:
            until(lambda: problem in str(line(street)["problem"]), lambda: line(street))


def test_a_broker_may_want_a_certificate(tmp_path: Path, pki: Path) -> None:
    with a_broker(tmp_path / "broker", tls(pki, "require_certificate true\n")) as broker:
        with a_street(tmp_path, the_source(broker, f'tls.ca_file = "{pki}/ca.pem"')) as street:
            until(lambda: "certificate" in str(line(street)["problem"]), lambda: line(street))
        own = f'certificate = "{pki}/client.pem", key = "{pki}/client.key"'
        source = the_source(broker, f'tls = {{ ca_file = "{pki}/ca.pem", {own} }}')
        with a_subscriber(tmp_path, source) as street:
            assert line(street)["problem"] is None


@contextmanager
def a_strict_broker(folder: Path, rules: str = "topic readwrite street/#") -> Iterator[Broker]:
    folder.mkdir()
    made = ["mosquitto_passwd", "-b", "-c", str(folder / "passwords"), USER, PASSWORD]
    subprocess.run(made, check=True, capture_output=True)
    (folder / "acl").write_text(f"user {USER}\n{rules}\n")
    options = f"allow_anonymous false\npassword_file {folder}/passwords\nacl_file {folder}/acl\n"
    with a_broker(folder, options) as broker:
        yield broker


LOGIN = f'user = "{USER}"\npassword = "{VARIABLE}"'


@VERSIONS
def test_the_password_comes_from_the_environment(tmp_path: Path, version: str) -> None:
    with a_strict_broker(tmp_path / "broker") as broker:
        source = the_source(broker, f'{LOGIN}\nversion = "{version}"')
        with a_subscriber(tmp_path, source) as street:
            broker.publish(a_state())
            until(lambda: stored(street) == 1, broker.log)


@VERSIONS
@pytest.mark.parametrize(
    ("secret", "problem"),
    [("wrong", "the broker refuses the connection"), (None, f"{VARIABLE} is not set")],
)
def test_a_password_that_does_not_fit_is_said(
    tmp_path: Path, version: str, secret: str | None, problem: str
) -> None:
    with a_strict_broker(tmp_path / "broker") as broker:
        source = the_source(broker, f'{LOGIN}\nversion = "{version}"')
        with a_street(tmp_path, source, secret=secret) as street:
            until(lambda: problem in str(line(street)["problem"]), lambda: line(street))
            assert "wrong" not in str(line(street))


def test_two_products_with_one_client_id_are_told_so(tmp_path: Path, broker: Broker) -> None:
    with (
        a_subscriber(tmp_path, the_source(broker)) as one,
        a_subscriber(tmp_path / "other", the_source(broker)),
    ):
        until(lambda: "same client_id" in str(line(one)["last_problem"]), lambda: line(one))


def test_messages_noted_in_a_file_can_be_tried(tmp_path: Path, broker: Broker) -> None:
    file = tmp_path / "noted.txt"
    noted = [" ".join(a_state()), "", "street/sensor/x/state nonsense"]
    file.write_text("\n".join(noted), encoding="utf-8")
    with a_street(tmp_path, the_source(broker)):
        pass
    settings = load({"GRID135_DATA": str(tmp_path)}, str(tmp_path / "street.toml"))

    said = list(decode_file(settings, "smoke_mqtt", file, sys.stdin.buffer, now=at(1)))

    assert [one.get("device") for one in said] == [None, "smk-0001", None]
    assert said[0]["alarm"][0] == "smk-0001"
    assert (said[2]["line"], "is not JSON" in str(said[2]["quarantined"])) == (3, True)


def test_the_blocks_of_the_docs_can_be_used(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    section = text.partition("\n## mqtt\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```toml\n(.*?)```", section, re.DOTALL)

    settings = the_settings(tmp_path, more="\n".join(blocks))

    assert [source.id for source in build_sources(settings)] == [
        "calls",
        "smoke_mqtt",
        "zigbee",
        "unit_positions",
    ]
