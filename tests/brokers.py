"""MQTT brokers of a test's own: a real Mosquitto each, on a free port of this machine.

``make services`` installs Mosquitto. Without it a test is skipped, but in CI it fails.
"""

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

PATIENCE_S = 15
ANYBODY = "allow_anonymous true\n"
USER, PASSWORD = "street", "a-secret-of-the-tests"


@dataclass(kw_only=True)
class Broker:
    """A broker that can be stopped and started again; what it holds for others it keeps."""

    folder: Path
    port: int
    options: str = ""
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        """Start, and return when it can be connected to."""
        file = self.folder / "mosquitto.conf"
        # as root Mosquitto would change to a user that may not write here
        user = "user root\n" if os.geteuid() == 0 else ""
        file.write_text(
            f"listener {self.port} 127.0.0.1\npersistence true\n"
            f"persistence_location {self.folder}/\n{user}{self.options}",
            encoding="utf-8",
        )
        with (self.folder / "mosquitto.log").open("ab") as log:
            self.process = subprocess.Popen(
                [_mosquitto(), "-c", str(file), "-v"], stdout=log, stderr=log
            )
        until(self._is_open, self.log)

    def stop(self) -> None:
        """Stop in an orderly way: sessions and messages are written down."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE_S)
            self.process = None

    def log(self) -> str:
        """What it has said."""
        return (self.folder / "mosquitto.log").read_text(errors="replace")

    @contextmanager
    def publisher(self, *, ca_file: Path | None = None) -> Iterator["Publisher"]:
        """A client that publishes, for as long as the block lasts; with TLS by an authority."""
        publisher = Publisher(self.port, ca_file)
        try:
            yield publisher
        finally:
            publisher.close()

    def publish(self, *messages: tuple[str, bytes | str], retain: bool = False) -> None:
        """Publish messages in order with QoS 1; return when the broker has them."""
        with self.publisher() as publisher:
            publisher.publish(*messages, retain=retain)

    def _is_open(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0


class Publisher:
    """A client of a broker."""

    def __init__(self, port: int, ca_file: Path | None) -> None:
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        self._client.username_pw_set(USER, PASSWORD)
        if ca_file is not None:
            self._client.tls_set(str(ca_file))
        self._client.connect("127.0.0.1", port, clean_start=True)
        self._client.loop_start()

    def publish(
        self,
        *messages: tuple[str, bytes | str],
        retain: bool = False,
    ) -> None:
        """Publish messages in order; return when the broker has them."""
        sent = [
            self._client.publish(topic, payload, qos=1, retain=retain)
            for topic, payload in messages
        ]
        for one in sent:
            one.wait_for_publish(PATIENCE_S)
            assert one.is_published(), "the broker does not take what is published"

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def a_broker(folder: Path, options: str = ANYBODY) -> Iterator[Broker]:
    """A broker with its state in ``folder``, stopped when the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    broker = Broker(folder=folder, port=free_port(), options=options)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


def until(condition: Callable[[], object], why: Callable[[], object]) -> None:
    """Wait until a condition holds; fail, and say why, when it never does."""
    assert comes_true(condition, within_s=PATIENCE_S), why()


def comes_true(condition: Callable[[], object], *, within_s: float) -> bool:
    """Wait until a condition holds; whether it did in time."""
    ends = time.monotonic() + within_s
    pause = threading.Event()
    while not condition():
        if time.monotonic() > ends:
            return False
        pause.wait(0.01)
    return True


def certificates(folder: Path, *, name: str = "127.0.0.1") -> Path:
    """Two authorities, ``ca`` and ``other``; a broker's and a client's certificate by the first."""
    folder.mkdir(parents=True, exist_ok=True)
    for authority in ("ca", "other"):
        _openssl(
            folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-keyout", f"{authority}.key", "-out", f"{authority}.pem", "-subj", f"/CN={authority}",
        )  # fmt: skip
    for who in ("broker", "client"):
        (folder / f"{who}.ext").write_text(f"subjectAltName=IP:{name}\n")
        _openssl(
            folder, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{who}.key",
            "-out", f"{who}.csr", "-subj", f"/CN={who}",
        )  # fmt: skip
        _openssl(
            folder, "x509", "-req", "-in", f"{who}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", f"{who}.ext", "-out", f"{who}.pem",
        )  # fmt: skip
    return folder


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def _mosquitto() -> str:
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if found is None and os.environ.get("CI"):
        pytest.fail("no MQTT broker for the tests: mosquitto is not installed")
    if found is None:
        pytest.skip("no MQTT broker for the tests (make services): mosquitto is not installed")
    return found


def free_port() -> int:
    """A port of this machine that nobody listens at now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
