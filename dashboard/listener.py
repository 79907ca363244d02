"""The socket that the screens connect to, opened before anything else is touched."""

import socket

from pipelines.errors import SettingsError

STUCK_MS = 20_000
"""How long sent data may go unacknowledged before the system closes a connection."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; a client that has vanished does not hold its connection for long.

    Raises SettingsError when the address cannot be had, before a second copy of the product
    touches the store of the first.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; what is accepted inherits it
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STUCK_MS)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"{host}:{port}: {error.strerror}; is Grid135 running already? "
            "choose another address with GRID135_HOST and GRID135_PORT"
        ) from error
    return listener
