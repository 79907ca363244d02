"""A process that takes records in and shows nothing; any number of them share a store."""

from pipelines.clock import SystemClock
from pipelines.desk.roster import Roster, read_roster
from pipelines.door.gateway import Gateway
from pipelines.door.storing import tries_again
from pipelines.errors import SettingsError
from pipelines.feeds.health import Health
from pipelines.installation import Installation, open_installation, prepare
from pipelines.metrics.meters import Meters
from pipelines.metrics.window import Window, health_route, metrics_route
from pipelines.roles.duty import Duty
from pipelines.settings import Settings
from pipelines.upkeep.retention import Told, logged


def open_shared(settings: Settings) -> Installation:
    """Open an installation for one of several processes.

    Raises SettingsError for what can be played by one process only: a replay, the demo street.
    """
    played = "[demo]" if settings.demo is not None else None
    for source in prepare(settings)[1]:
        if source.replay is not None:
            played = f"[sources.{source.id}] replay"
    if played is not None:
        raise SettingsError(
            f"{settings.file} {played}: is played on a clock of its own, so one process does "
            "everything: use app.py run, or take it out of the configuration"
        )
    return open_installation(settings, replayed=False)


class Worker:
    """Takes in its share of the sources until it is stopped.

    Where the settings name a port it tells there what it measures, and that it is alive.
    """

    def __init__(self, installation: Installation, purged: Told = logged) -> None:
        clock = SystemClock()
        self._clock = clock
        self._installation = installation
        self._health = Health()
        self._gateway = Gateway(installation.door, clock)
        self._duty = Duty(installation, self._gateway, self._health, clock, purged)
        self._tries_again = tries_again(installation.store, installation.door.storing, clock)
        self._window = self._opened() if installation.settings.metrics.port else None

    def start(self) -> None:
        """Begin with what is free. Raises SettingsError when its port cannot be had."""
        if self._window is not None:
            self._window.start()
        self._gateway.start()
        self._duty.start()
        self._tries_again.start()

    def stop(self) -> None:
        """Finish what is under way, let everything go, and close the store."""
        self._duty.stop()
        self._gateway.stop()
        self._tries_again.stop()
        if self._window is not None:
            self._window.stop()
        self._installation.store.close()

    def _opened(self) -> Window:
        meters = Meters()
        meters.watch(
            roster=self._roster, gateway=self._gateway, held=lambda: len(self._duty.sources)
        )
        self._installation.door.counted = meters.counted
        self._installation.store.took = meters.took
        settings = self._installation.settings.metrics
        routes = [metrics_route(meters.text, settings), health_route(self._state)]
        return Window(settings, routes)

    def _roster(self) -> Roster:
        with self._installation.store.reading() as reader:
            return read_roster(
                reader,
                self._installation,
                self._health,
                now=self._clock.now(),
                is_standby=not self._duty.is_at_work,
            )

    def _state(self) -> dict[str, object]:
        role = "active" if self._duty.is_at_work else "standby"
        unstored = self._installation.door.storing.unstored
        return {
            "status": "ok" if unstored is None else "degraded",
            "now": self._clock.now().isoformat(),
            "unstored": None if unstored is None else unstored.told(),
            "ingest": {"role": role, "sources": sorted(self._duty.sources)},
        }
