"""What a process does that takes records in: its share of the sources, and perhaps the upkeep."""

import logging
from collections.abc import Collection

from pipelines.clock import Clock
from pipelines.door.gateway import Gateway
from pipelines.feeds.health import Health
from pipelines.feeds.sources import Source
from pipelines.host.rounds import Round
from pipelines.installation import Installation
from pipelines.leases.keeper import Keeper
from pipelines.leases.lease import PLAYED, UPKEEP, LeaseLostError, Leases, lease_of, source_of
from pipelines.roles.listening import Listening
from pipelines.roles.schedule import Schedule
from pipelines.store import schema
from pipelines.store.heard_rows import heard_row
from pipelines.store.store import Writer
from pipelines.upkeep.binding import Binder
from pipelines.upkeep.canary import Aviary
from pipelines.upkeep.freezer import Freezer
from pipelines.upkeep.retention import Purger, Told, logged

logger = logging.getLogger(__name__)

_KEPT = (schema.lease, schema.meta)


class Duty:
    """Takes in the sources whose leases this process holds; workers share them out.

    A source that is pushed to has no lease: whichever process is asked takes the record in. The
    sources of a replay or of the demo street run on one clock, so one process takes in all of
    them. What there is to do once a store is done by whoever holds the lease for that.
    """

    def __init__(
        self,
        installation: Installation,
        gateway: Gateway,
        health: Health,
        clock: Clock,
        purged: Told = logged,
    ) -> None:
        self._installation = installation
        self._health = health
        self._clock = clock
        self._leases = Leases(installation.store)
        self._sources = {source.id: source for source in installation.sources}
        self._pushed = {s.id for s in installation.sources if s.receiver is not None}
        self._is_played = is_played(installation)
        shared = () if self._is_played else sorted(self._sources.keys() - self._pushed)
        claims = {source: lease_of(source) for source in shared}
        # a lease has the machine's time, which is not that of what is played
        health.claims = dict.fromkeys(self._sources, PLAYED) if self._is_played else claims
        health.tells_since_when = not self._is_played
        health.is_ours = self._is_ours
        self._keeper = Keeper(
            installation.store,
            self._leases,
            shared=tuple(claims.values()),
            single=(PLAYED,) if self._is_played else (UPKEEP,),
            gained=self._begin,
            lost=self._end,
            note=self._note,
        )
        self._listening = Listening(gateway, health, clock)
        self._schedule = Schedule(installation, health, clock)
        self._aviary = self._canaries()
        self._upkeep: list[Round] = []
        self._purged = purged
        self._has_begun = False

    @property
    def is_at_work(self) -> bool:
        """Whether this process holds anything now."""
        return bool(self._keeper.works)

    @property
    def freezes(self) -> bool:
        """Whether this process freezes the months that are due."""
        return any(one.name == "freezer" for one in self._upkeep)

    @property
    def sources(self) -> frozenset[str]:
        """The sources that this process takes in now, those that are pushed to left aside."""
        if PLAYED in self._keeper.works:
            return frozenset(self._sources)
        names = (source_of(name) for name in self._keeper.works)
        return frozenset(name for name in names if name is not None)

    def start(self) -> None:
        """Take what is free and begin, or wait until something is."""
        self._installation.door.guard = self._guard
        self._health.on_change = self._keeper.hasten
        self._listening.start()
        self._schedule.start()
        if self._aviary is not None:
            self._aviary.start()
        self._keeper.start()

    def stop(self) -> None:
        """Finish what is under way and let everything go."""
        if self._aviary is not None:
            self._aviary.stop()
        self._keeper.stop()
        self._schedule.stop()
        self._listening.stop()

    def _is_ours(self, source: str) -> bool:
        """Whether this process knows best how a source is doing; what is pushed, it hears."""
        return source in self._pushed or source in self.sources

    def _guard(self, writer: Writer, sources: Collection[str]) -> None:
        if self._is_played:
            self._leases.guard(writer, [PLAYED])
        elif names := [lease_of(name) for name in sorted(sources) if name not in self._pushed]:
            self._leases.guard(writer, names)

    def _note(self, names: Collection[str]) -> None:
        played = self._sources if PLAYED in names else {}
        sources = {*played, *filter(None, map(source_of, names))}
        news = self._health.news(sources)
        if not news:
            return

        def work(writer: Writer) -> None:
            self._leases.guard(writer, sorted(names))
            writer.put(schema.heard, [heard_row(name, heard) for name, heard in news.items()])

        try:
            # that all is well still, a screen is in no hurry to show
            self._installation.store.taking_in(work, quiet=not self._health.is_urgent(news))
        except LeaseLostError:
            return  # the next turn finds out which
        self._health.noted(news)

    def _begin(self, name: str) -> None:
        if name == UPKEEP:
            self._begin_upkeep(UPKEEP)
        elif name == PLAYED:
            if not self._has_begun:
                self._forget_earlier_replay()
            self._has_begun = True
            self._begin_upkeep(PLAYED)
            for source in self._sources.values():
                self._take(source)
        elif one := source_of(name):
            with self._installation.store.reading() as reader:
                self._health.adopt(reader, one)
            self._take(self._sources[one])

    def _end(self, name: str) -> None:
        while name in (UPKEEP, PLAYED) and self._upkeep:
            self._upkeep.pop().stop()
        one = source_of(name)
        for source in self._sources.values():
            if name == PLAYED or source.id == one:
                self._schedule.drop(source)
                self._listening.drop(source)

    def _take(self, source: Source) -> None:
        self._listening.take(source)
        self._schedule.take(source)

    def _begin_upkeep(self, lease: str) -> None:
        installation, clock = self._installation, self._clock

        def guard(writer: Writer) -> None:
            self._leases.guard(writer, [lease])

        self._upkeep.append(Binder(installation.store, installation.desk, guard, clock).round())
        if installation.settings.freezing.automatic:
            self._upkeep.append(Freezer(installation, guard, clock).round())
        terms = installation.settings.privacy
        if terms.has_terms:
            purger = Purger(installation.store, terms, guard, clock, self._purged)
            self._upkeep.append(purger.round())
        for one in self._upkeep:
            one.start()

    def _canaries(self) -> Aviary | None:
        installation = self._installation
        every = installation.settings.canary.every
        if every is None:
            return None
        return Aviary(
            installation.store,
            installation.door,
            self._own_sources,
            self._health,
            self._clock,
            every_s=every.total_seconds(),
        )

    def _own_sources(self) -> list[Source]:
        """Whose canaries this process sends; those of the pushed with the upkeep."""
        ours = self.sources | (self._pushed if UPKEEP in self._keeper.works else set())
        return [source for name, source in self._sources.items() if name in ours]

    def _forget_earlier_replay(self) -> None:
        """A replay begins with an empty store, also when another process has played before."""
        tables = [table for table in schema.metadata.sorted_tables if table not in _KEPT]
        with self._installation.store.writing() as writer:
            self._leases.guard(writer, [PLAYED])
            writer.clear(*tables)


def is_played(installation: Installation) -> bool:
    """Whether what is taken in is a replay or the demo street, on a clock of its own."""
    is_replay = any(source.replay for source in installation.sources)
    return is_replay or installation.settings.demo is not None
