"""What keeps a process at work: it renews what it holds, takes what is free, gives some away."""

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta

from pipelines.leases.lease import RENEWAL, Leases, workers_of
from pipelines.leases.sharing import turn_of
from pipelines.store.store import Store, Writer

logger = logging.getLogger(__name__)

Note = Callable[[Collection[str]], None]
"""Writes down what is known about the claims that are held, where that is news."""


def _no_note(_: Collection[str]) -> None:
    """There is nothing to write down."""


class Keeper:
    """Holds its share of the claims in a thread, and says when work on one begins and ends.

    ``shared`` are shared out among all workers; each of ``single`` is held by whoever is first.
    ``gained`` and ``lost`` are called with the name of a claim; of one claim never at once, and
    ``lost`` may take its time: what is given away is let go only when it has returned. An error
    of ``gained`` gives the claim back. A store that cannot be written is no reason to stop trying.
    """

    def __init__(
        self,
        store: Store,
        leases: Leases,
        *,
        shared: Sequence[str],
        single: Sequence[str] = (),
        gained: Callable[[str], None],
        lost: Callable[[str], None],
        note: Note = _no_note,
        every: timedelta = RENEWAL,
    ) -> None:
        self._store = store
        self._leases = leases
        self._shared = tuple(shared)
        self._single = tuple(single)
        self._gained = gained
        self._lost = lost
        self._note = note
        self._every_s = every.total_seconds()
        self._works: set[str] = set()
        self._ending: dict[str, threading.Thread] = {}
        self._wake = threading.Event()
        self._stopped = False
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    @property
    def works(self) -> frozenset[str]:
        """What this process is at work on now."""
        return frozenset(self._works)

    def start(self) -> None:
        """Take what is free at once, in the caller's thread, then keep at it in another.

        Raises what ``gained`` raises at this first time.
        """
        errors = self._turn()
        if errors:
            raise errors[0]
        self._thread.start()

    def hasten(self) -> None:
        """Have the next turn at once: there is something to note."""
        self._wake.set()

    def stop(self) -> None:
        """Stop working, then let everything go."""
        self._stopped = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        for thread in list(self._ending.values()):
            thread.join()
        for name in sorted(self._works):
            self._works.discard(name)
            self._lost(name)
        try:
            self._leases.leave()
        except Exception:
            logger.exception("the leases could not be given back; they run out by themselves")

    def _run(self) -> None:
        while True:
            self._wake.wait(self._every_s)
            self._wake.clear()
            if self._stopped:
                return
            self._turn()

    def _turn(self) -> list[Exception]:
        """Look around, and begin and end work accordingly; return what ``gained`` raised."""
        try:
            give = self._look()
        # Whatever is wrong with the store is the store's to say; the guard keeps us from writing.
        except Exception:
            if not self._failing:
                logger.exception("the leases cannot be renewed; tried again until they can")
            self._failing = True
            self._leases.unsure()
            return []
        if self._failing:
            logger.warning("the leases are renewed again")
            self._failing = False
        mine = self._leases.mine
        for name in sorted(self._works - mine):
            logger.warning("%s: another process does this now", name)
            self._end(name, and_release=False)
        for name in give:
            self._end(name, and_release=True)
        errors = [self._begin(name) for name in sorted(mine - self._works - set(self._ending))]
        return [error for error in errors if error is not None]

    def _look(self) -> tuple[str, ...]:
        """One transaction: renew, note, take; return what is to be given away."""
        leases = self._leases
        ending = set(self._ending)

        def work(writer: Writer) -> tuple[str, ...]:
            seen, alive = leases.look(writer)
            leases.renew(writer)
            leases.bury(writer, seen, alive)
            held = {name: seen[name].holder for name in alive}
            turn = turn_of(leases.holder, self._shared, held, workers_of(seen, alive))
            single = [name for name in self._single if name not in held]
            free = [name for name in (*turn.take, *single) if name not in ending]
            leases.take(writer, free, seen)
            return turn.give

        give = self._store.taking_in(work, quiet=True)
        self._note(leases.mine & self._works)
        return tuple(name for name in give if name in self._works)

    def _begin(self, name: str) -> Exception | None:
        logger.info("%s: this process does it now", name)
        try:
            self._gained(name)
        except Exception as error:
            logger.exception("%s: could not begin; given back, and tried again", name)
            self._release(name)
            return error
        self._works.add(name)
        return None

    def _end(self, name: str, *, and_release: bool) -> None:
        """Stop in a thread of its own: the others are to be renewed meanwhile."""
        self._works.discard(name)

        def end() -> None:
            try:
                self._lost(name)
            except Exception:
                logger.exception("%s: ending failed", name)
            if and_release:
                logger.info("%s: given to another process", name)
                self._release(name)
            self._ending.pop(name, None)

        thread = threading.Thread(target=end, name=f"ending {name}", daemon=True)
        self._ending[name] = thread
        thread.start()

    def _release(self, name: str) -> None:
        try:
            self._leases.release([name])
        except Exception:
            logger.exception("%s: could not be given back; it runs out by itself", name)
