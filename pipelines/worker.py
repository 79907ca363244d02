"""A process that takes records in and shows nothing; any number of them share a store."""

from pipelines.clock import SystemClock
from pipelines.duty import Duty
from pipelines.errors import SettingsError
from pipelines.gateway import Gateway
from pipelines.health import Health
from pipelines.installation import Installation, open_installation, prepare
from pipelines.retention import Told, logged
from pipelines.settings import Settings


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
    """Takes in its share of the sources until it is stopped."""

    def __init__(self, installation: Installation, purged: Told = logged) -> None:
        clock = SystemClock()
        self._installation = installation
        self._gateway = Gateway(installation.door, clock)
        self._duty = Duty(installation, self._gateway, Health(), clock, purged)

    def start(self) -> None:
        """Begin with what is free."""
        self._gateway.start()
        self._duty.start()

    def stop(self) -> None:
        """Finish what is under way, let everything go, and close the store."""
        self._duty.stop()
        self._gateway.stop()
        self._installation.store.close()
