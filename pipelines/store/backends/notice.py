"""Hearing that a PostgreSQL store has changed, from whichever process: LISTEN and NOTIFY."""

import logging
import random
import select
import socket
import threading
from collections.abc import Callable
from typing import Any

import psycopg

logger = logging.getLogger(__name__)

CHANNEL = "grid135"
_AGAIN_S = 1.0
"""How long to wait before connecting anew."""


class Notice:
    """Counts the notices that come over a connection of its own, in a thread of its own.

    Asking costs nothing. When the connection is lost the number grows, too, and once more when it
    is back: what happened in between is not known, so it counts as a change.
    """

    def __init__(self, connect: Callable[[], "psycopg.Connection[Any]"]) -> None:
        self._connect = connect
        self._number = 0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._listens = threading.Event()
        self._stopped = threading.Event()
        self._wake, self._woken = socket.socketpair()

    def number(self) -> int:
        """The number now; the first to ask waits until the connection is there, or fails."""
        if self._thread is None:
            self._start()
        return self._number

    def close(self) -> None:
        """Stop listening."""
        self._stopped.set()
        self._wake.close()
        if self._thread is not None:
            self._thread.join()
        self._woken.close()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._stopped.is_set():
                thread = threading.Thread(target=self._run, name="store notices", daemon=True)
                thread.start()
                self._listens.wait(_AGAIN_S * 5)
                self._thread = thread

    def _run(self) -> None:
        is_down = False
        while not self._stopped.is_set():
            try:
                with self._connect() as connection:
                    connection.autocommit = True
                    connection.execute(f"LISTEN {CHANNEL}")
                    self._number += 1
                    self._listens.set()
                    if is_down:
                        logger.warning("the database can be heard again")
                    is_down = False
                    self._listen(connection.pgconn)
            except psycopg.Error as error:
                self._number += 1
                if not is_down:
                    logger.warning("the database cannot be heard: %s", type(error).__name__)
                is_down = True
                self._stopped.wait(_AGAIN_S * random.uniform(0.5, 1.0))

    def _listen(self, pgconn: Any) -> None:
        """Until it is stopped; raises psycopg.OperationalError when the connection is lost."""
        ready = select.poll()  # select() knows no more than a thousand sockets
        ready.register(pgconn.socket, select.POLLIN)
        ready.register(self._woken, select.POLLIN)
        while not self._stopped.is_set():
            ready.poll()
            pgconn.consume_input()
            while pgconn.notifies() is not None:
                self._number += 1
