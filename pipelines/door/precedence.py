"""Who stores first when several want to: what may be an emergency."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE_S = 1.0
"""How long anything else steps aside at most: an endless flood of one must not end the other."""


class Precedence:
    """Lets what is urgent go first, and holds up nothing else. For use from several threads."""

    def __init__(self, *, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._urgent = 0
        self._free = threading.Condition()

    @contextmanager
    def turn(self, *, urgent: bool) -> Iterator[None]:
        """What is done inside begins at once when urgent, else when nothing urgent is under way."""
        with self._free:
            if urgent:
                self._urgent += 1
            else:
                self._free.wait_for(lambda: not self._urgent, timeout=self._patience_s)
        try:
            yield
        finally:
            if urgent:
                with self._free:
                    self._urgent -= 1
                    if not self._urgent:
                        self._free.notify_all()
