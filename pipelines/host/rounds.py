"""What a process does again and again, each thing in a thread of its own."""

import logging
import threading
from collections.abc import Callable

from pipelines.leases.lease import LeaseLostError

logger = logging.getLogger(__name__)


class Round:
    """Does ``work`` after ``first_s`` seconds, by default one pause, and then every ``every_s``.

    An error is logged, and the work done again when it is next due; LeaseLostError ends the round,
    for another process makes it now.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], object],
        *,
        every_s: float,
        first_s: float | None = None,
    ) -> None:
        self.name = name
        self._work = work
        self._every_s = every_s
        self._first_s = every_s if first_s is None else first_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def is_stopping(self) -> bool:
        """Whether work that consists of many steps is to take no more of them."""
        return self._stopped.is_set()

    def start(self) -> None:
        """Begin with the first pause."""
        self._thread.start()

    def stop(self) -> None:
        """Do it no more; work under way is finished first."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        pause_s = self._first_s
        while not self._stopped.wait(pause_s):
            pause_s = self._every_s
            try:
                self._work()
            except LeaseLostError:
                return
            except Exception:
                logger.exception("%s: failed; tried again in %g s", self.name, self._every_s)
