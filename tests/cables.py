"""What lies between two programs, and can be pulled: silence, as when a switch fails."""

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

NETWORK = "10.213.0.0/16"
"""The addresses of those who are elsewhere."""
ASKED_AFTER_S, ASKED_EVERY_S, ASKED = 5, 3, 3


class Cable:
    """What lies between a client and a server: while it is pulled, no byte comes through.

    As the store has its server do, it asks a client that is silent whether it is still there.
    """

    def __init__(self, to: int, *, address: str = "127.0.0.1") -> None:
        self._to = to
        self._whole = threading.Event()
        self._whole.set()
        self._ear = socket.create_server((address, 0))
        self.address = address
        self.port: int = self._ear.getsockname()[1]
        self.url = f"http://{address}:{self.port}"
        threading.Thread(target=self._listen, daemon=True).start()

    def pull(self) -> None:
        """Silence: nobody is told that the connection is gone."""
        self._whole.clear()

    def plug_in(self) -> None:
        """Let through what comes from now on, and what was held back."""
        self._whole.set()

    def close(self) -> None:
        """Take no more connections."""
        self._ear.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._ear.accept()
                near.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                near.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, ASKED_AFTER_S)
                near.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, ASKED_EVERY_S)
                near.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, ASKED)
                far = socket.create_connection(("127.0.0.1", self._to))
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError), one, other:
            while data := one.recv(65_536):
                self._whole.wait()
                other.sendall(data)
            other.shutdown(socket.SHUT_RDWR)


class Elsewhere:
    """A machine of its own as far as the network goes: a namespace, with one cable to this one.

    From there, what listens at ``address`` is reached, and at its port ``relayed`` a server that
    listens to this machine only.
    """

    def __init__(self, to: int, name: str, number: int) -> None:
        self._link = f"{name}h"
        self.before = ("ip", "netns", "exec", name)
        """What a command begins with that is to run there."""
        here, there = f"10.213.{number}.1", f"10.213.{number}.2"
        _ip("link", "add", self._link, "type", "veth", "peer", "name", "uplink", "netns", name)
        _ip("addr", "add", f"{here}/30", "dev", self._link)
        _ip("link", "set", self._link, "up")
        _ip("-n", name, "link", "set", "lo", "up")
        _ip("-n", name, "addr", "add", f"{there}/30", "dev", "uplink")
        _ip("-n", name, "link", "set", "uplink", "up")
        self._relay = Cable(to, address=here)
        self.address, self.relayed = here, self._relay.port

    def pull(self) -> None:
        """Silence: packets vanish in both directions."""
        _ip("link", "set", self._link, "down")

    def plug_in(self) -> None:
        """Packets come through again."""
        _ip("link", "set", self._link, "up")

    def close(self) -> None:
        """Take no more connections, and away with the cable.

        It would go with the namespace, but that stays until its last connection has given up. Half
        a minute later a browser of another test then breaks off what it loads: a network changed.
        """
        self._relay.close()
        _ip("link", "delete", self._link)


@contextmanager
def elsewhere(to: int) -> Iterator[Elsewhere]:
    """Somewhere from which a port of this machine can be reached until the cable is pulled."""
    name = f"g135-{os.getpid()}"
    if not _may_have(name):
        pytest.skip("no network namespace may be made here, and a relay would answer for its peer")
    try:
        far = Elsewhere(to, name, os.getpid() % 250)
        try:
            yield far
        finally:
            far.close()
    finally:
        _ip("netns", "delete", name)


def _may_have(name: str) -> bool:
    try:
        return subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode == 0
    except OSError:
        return False


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
