"""Watching those who look: whether they still may, asked again before anything is sent to them.

A stream stays open for hours. A session that ends, an account that is closed or gets another role,
a wall that is revoked must show there within seconds. One question to the store answers for all
open streams, and holds for a second.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from dashboard.access.keeper import Keeper
from dashboard.access.person import Person

log = logging.getLogger(__name__)

FRESH_S = 1.0
"""How long an answer of the store holds."""
PATIENCE_S = 30.0
"""How long the last answer holds where the store of accounts cannot be read."""


class Watch:
    """Knows who has a stream open. Runs in the event loop; the store is read in a thread."""

    def __init__(self, keeper: Keeper, clock: Callable[[], datetime]) -> None:
        self._keeper = keeper
        self._clock = clock
        self._open: Counter[str] = Counter()
        self._known: Mapping[str, Person] = {}
        self._read_at = float("-inf")
        self._one_at_a_time = asyncio.Lock()

    @contextmanager
    def over(self, token: str, person: Person) -> Iterator[Callable[[], Awaitable[bool]]]:
        """Watch one stream; yields what says whether it still is ``person``'s, in that role."""

        async def holds() -> bool:
            return await self._standing(token) == person

        self._open[token] += 1
        try:
            yield holds
        finally:
            self._open[token] -= 1
            if not self._open[token]:
                del self._open[token]

    async def _standing(self, token: str) -> Person | None:
        async with self._one_at_a_time:
            age = time.monotonic() - self._read_at
            if age > FRESH_S or token not in self._known:
                await self._read(age)
        return self._known.get(token)

    async def _read(self, age_s: float) -> None:
        tokens, now = tuple(self._open), self._clock()
        try:
            known = await asyncio.to_thread(self._keeper.standing, tokens, now=now)
        except SQLAlchemyError:
            # a store that is away for a moment must not darken every wall; one that stays away may
            if age_s > PATIENCE_S:
                self._known = {}
                log.exception("the store of accounts cannot be read: streams end")
            return
        self._known, self._read_at = known, time.monotonic()
