"""The address is had before anything else is touched."""

import socket

import pytest

from dashboard.listener import STUCK_MS, listen
from pipelines.errors import SettingsError


def test_a_port_that_is_taken_is_refused_with_a_way_out():
    with listen("127.0.0.1", 0) as first:
        first.listen()
        port = first.getsockname()[1]

        with pytest.raises(SettingsError, match=rf"127.0.0.1:{port}: .*GRID135_PORT"):
            listen("127.0.0.1", port)


def test_a_client_that_vanished_does_not_hold_its_connection_for_ever():
    with listen("127.0.0.1", 0) as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            timeout = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            accepted.close()

    assert timeout == STUCK_MS
