"""Asking every source for news, each at its own pace."""

import logging
import threading
from contextlib import suppress
from datetime import datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from pipelines.clock import Clock, SystemClock
from pipelines.door.receipt import Counts
from pipelines.door.storing import STORE_IS_GONE
from pipelines.errors import SourceConfigError, SourceUnavailableError
from pipelines.feeds.health import Health
from pipelines.feeds.sources import Source
from pipelines.host.clock_steps import ClockSteps
from pipelines.installation import Installation
from pipelines.leases.lease import LeaseLostError

logger = logging.getLogger(__name__)

_LOOK_S = 1.0


class Schedule:
    """Polls the sources it has taken until it is stopped.

    A source that fails is asked again at its next turn; one that cannot work as configured is
    stopped, and the others run on. A bug in one poll is logged and does not end the polling. A
    store that cannot be written is no source's fault: it is said once, and every source is asked
    again.
    """

    def __init__(
        self,
        installation: Installation,
        health: Health,
        clock: Clock,
        *,
        machine: Clock | None = None,
    ) -> None:
        self._installation = installation
        self._health = health
        self._clock = clock
        self._machine = machine or SystemClock()
        self._failing = False
        self._stopped = threading.Event()
        self._watch = threading.Thread(target=self._watch_clock, name="clock steps", daemon=True)
        polled = [source.id for source in installation.sources if source.poller is not None]
        self._polling = {name: threading.Lock() for name in polled}
        self._dropped: set[str] = set()
        workers = max(len(polled), 1)
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(workers)}, timezone="UTC"
        )

    def start(self) -> None:
        """Be ready to poll."""
        self._scheduler.start()
        self._watch.start()

    def take(self, source: Source) -> None:
        """Poll a source, at once and then at its pace; nothing happens when it is not polled."""
        if source.poller is None:
            return
        self._dropped.discard(source.id)
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
            replace_existing=True,
        )

    def drop(self, source: Source) -> None:
        """Poll a source no more; the batch being stored is finished first."""
        if source.poller is None:
            return
        self._dropped.add(source.id)
        with suppress(JobLookupError):  # stopped for good before
            self._scheduler.remove_job(source.id)
        with self._polling[source.id]:
            return

    def stop(self) -> None:
        """Stop polling; the batch being stored is finished first."""
        self._stopped.set()
        if self._scheduler.running:  # a product may be stopped before it was started
            self._scheduler.shutdown(wait=True)
            self._watch.join()

    def _watch_clock(self) -> None:
        """The scheduler waits for times of day: on a clock set back an hour, for an hour more."""
        steps = ClockSteps(self._machine)
        while not self._stopped.wait(_LOOK_S):
            if step := steps.step():
                logger.warning("the machine's clock was set by %s; every source is asked now", step)
                self._ask_all()

    def _ask_all(self) -> None:
        for job in self._scheduler.get_jobs():
            with suppress(JobLookupError):  # stopped for good just now
                job.modify(next_run_time=SystemClock().now())

    def poll(self, source: Source) -> None:
        """Take in what one source has that is new."""
        with self._polling[source.id]:
            if self._is_over(source):
                return
            self._poll(source, self._clock.now())

    def _poll(self, source: Source, now: datetime) -> None:
        def still_ours(_: Counts) -> None:
            if self._is_over(source):
                raise LeaseLostError(f"source {source.id}: is another process's now")

        try:
            self._installation.pull(source, now=now, each=still_ours)
        except LeaseLostError:
            return  # another process asks this source now, and says how it is doing
        except SourceUnavailableError as error:
            self._health.failed(source.id, str(error), now=now)
        except SourceConfigError as error:
            self._health.failed(source.id, str(error), now=now)
            with suppress(JobLookupError):  # dropped just now
                self._scheduler.remove_job(source.id)
        except STORE_IS_GONE:
            self._complain()
        except Exception as error:
            logger.exception("source %s: polling failed", source.id)
            self._health.failed(source.id, f"internal error: {type(error).__name__}", now=now)
        else:
            self._failing = False
            self._health.succeeded(source.id, now=now)

    def _complain(self) -> None:
        """Say once that nothing can be stored, however many sources are asked meanwhile."""
        if not self._failing:
            logger.exception("what sources have cannot be stored; they are asked again")
        self._failing = True

    def _is_over(self, source: Source) -> bool:
        return self._stopped.is_set() or source.id in self._dropped
