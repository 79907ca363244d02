"""What only one process a store does: ask and hear sources, send canaries, freeze months."""

import logging

from pipelines.canary import Aviary
from pipelines.clock import Clock
from pipelines.freezer import Freezer
from pipelines.gateway import Gateway
from pipelines.health import Health
from pipelines.installation import Installation
from pipelines.lease import Keeper, Lease, read_lease
from pipelines.listening import Listening
from pipelines.schedule import Schedule
from pipelines.store import schema

logger = logging.getLogger(__name__)

_KEPT = (schema.lease, schema.meta)


class Duty:
    """Takes records in for as long as this process holds the lease of the store.

    Without the lease it waits for it; screens are served all the same.
    """

    def __init__(
        self, installation: Installation, gateway: Gateway, health: Health, clock: Clock
    ) -> None:
        self._installation = installation
        self._gateway = gateway
        self._health = health
        self._clock = clock
        self._lease = Lease(installation.store)
        self._keeper = Keeper(self._lease, gained=self._begin, lost=self._end)
        self._work: tuple[Listening, Schedule, Aviary | None, Freezer | None] | None = None
        self._has_begun = False

    @property
    def is_ours(self) -> bool:
        """Whether this process takes the records in now."""
        return self._keeper.works

    def holder(self) -> str | None:
        """What the process that takes the records in calls itself."""
        with self._installation.store.reading() as reader:
            held = read_lease(reader)
        return None if held is None else held.holder

    def start(self) -> None:
        """Take the lease and begin, or wait until it is free."""
        self._installation.door.guard = self._lease.guard
        self._keeper.start()

    def stop(self) -> None:
        """Finish what is under way and let the lease go."""
        self._keeper.stop()

    def _begin(self) -> None:
        installation = self._installation
        is_played = installation.settings.demo is not None
        is_played |= any(source.replay for source in installation.sources)
        if not self._has_begun and is_played:
            self._forget_earlier_replay()
        self._has_begun = True
        listening = Listening(installation.sources, self._gateway, self._health, self._clock)
        schedule = Schedule(installation, self._health, self._clock)
        aviary = self._aviary()
        freezer = self._freezer()
        self._work = (listening, schedule, aviary, freezer)
        listening.start()
        schedule.start()
        if aviary is not None:
            aviary.start()
        if freezer is not None:
            freezer.start()

    def _end(self) -> None:
        if self._work is None:
            return
        listening, schedule, aviary, freezer = self._work
        self._work = None
        if freezer is not None:
            freezer.stop()
        if aviary is not None:
            aviary.stop()
        schedule.stop()
        listening.stop()

    def _aviary(self) -> Aviary | None:
        installation = self._installation
        every = installation.settings.canary.every
        if every is None:
            return None
        return Aviary(
            installation.store,
            installation.door,
            installation.sources,
            self._health,
            self._clock,
            every_s=every.total_seconds(),
        )

    def _freezer(self) -> Freezer | None:
        if not self._installation.settings.freezing.automatic:
            return None
        return Freezer(self._installation, self._lease, self._clock)

    def _forget_earlier_replay(self) -> None:
        """A replay begins with an empty store, also when another process has played before."""
        tables = [table for table in schema.metadata.sorted_tables if table not in _KEPT]
        with self._installation.store.writing() as writer:
            self._lease.guard(writer)
            writer.clear(*tables)
