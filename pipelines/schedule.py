"""Asking every source for news, each at its own pace."""

import logging
import threading

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from pipelines.clock import Clock, SystemClock
from pipelines.errors import SourceConfigError, SourceUnavailableError
from pipelines.health import Health
from pipelines.installation import Installation
from pipelines.sources import Source

logger = logging.getLogger(__name__)


class Schedule:
    """Polls the sources of an installation until it is stopped.

    A source that fails is asked again at its next turn; one that cannot work as configured is
    stopped, and the others run on. A bug in one poll is logged and does not end the polling.
    """

    def __init__(self, installation: Installation, health: Health, clock: Clock) -> None:
        self._installation = installation
        self._health = health
        self._clock = clock
        self._stopped = threading.Event()
        workers = max(len(installation.sources), 1)
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(workers)}, timezone="UTC"
        )

    def start(self) -> None:
        """Begin polling, at once and then at each source's pace."""
        for source in self._installation.sources:
            self._scheduler.add_job(
                self.poll,
                "interval",
                args=(source,),
                id=source.id,
                seconds=source.every.total_seconds(),
                next_run_time=SystemClock().now(),
                coalesce=True,
                max_instances=1,
                # a late poll is a poll: nothing is lost by running it whenever there is time
                misfire_grace_time=None,
            )
        self._scheduler.start()

    def stop(self) -> None:
        """Stop polling; the batch being stored is finished first."""
        self._stopped.set()
        self._scheduler.shutdown(wait=True)

    def poll(self, source: Source) -> None:
        """Take in what one source has that is new."""
        if self._stopped.is_set():
            return
        now = self._clock.now()
        try:
            self._installation.pull(source, now=now)
        except SourceUnavailableError as error:
            self._health.failed(source.id, str(error), now=now)
        except SourceConfigError as error:
            self._health.failed(source.id, str(error), now=now)
            self._scheduler.remove_job(source.id)
        except Exception as error:
            logger.exception("source %s: polling failed", source.id)
            self._health.failed(source.id, f"internal error: {type(error).__name__}", now=now)
        else:
            self._health.succeeded(source.id, now=now)
