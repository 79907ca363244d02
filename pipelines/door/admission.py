"""Whose push is worked on now: an urgent one at once, of all others a few at a time.

The web server's one thread does something for each push, and what it does for a thousand that
came at once an emergency would wait for. So of what is not urgent only a few pushes are worked on
at any moment; the others wait in order and cost nothing meanwhile but the memory of their bodies,
which is bounded, too. A body is read before its push waits: who sends one slowly, or never to its
end, takes nobody's place.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from typing import Protocol

from pipelines.errors import NotStoredError

AT_ONCE = 32
"""Pushes that are worked on: enough to fill a transaction, few enough to be done in a blink."""
MOST_WAITING = 1000
MOST_BYTES = 64 << 20
"""What the bodies that wait, and those that are under way, may come to."""

Hold = Callable[[int], None]
"""Says that a body has so many bytes more; raises NotStoredError when all have too many."""


class Admission(Protocol):
    """How those get in who push to a source. Used in one event loop."""

    def holding(self) -> AbstractContextManager[Hold]:
        """Read a body in the block, and keep it to its end.

        Raises NotStoredError when so many wait that this one is not worth reading.
        """
        ...

    def turn(self) -> AbstractAsyncContextManager[bool]:
        """Be worked on in the block; says whether that had to be waited for.

        Raises NotStoredError when too many wait already.
        """
        ...


class AtOnce:
    """In they go."""

    @contextmanager
    def holding(self) -> Iterator[Hold]:
        """See :class:`Admission`."""
        yield _free

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[bool]:
        """See :class:`Admission`."""
        yield False


class InTurn:
    """A few at a time, the first first."""

    def __init__(
        self,
        *,
        at_once: int = AT_ONCE,
        most_waiting: int = MOST_WAITING,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._most_waiting = most_waiting
        self._most_bytes = most_bytes
        self._bytes = 0
        self.waiting = 0

    @contextmanager
    def holding(self) -> Iterator[Hold]:
        """See :class:`Admission`."""
        self._refuse_if_full()
        held = 0

        def hold(size: int) -> None:
            nonlocal held
            if self._bytes + size > self._most_bytes:
                raise _too_much()
            held += size
            self._bytes += size

        try:
            yield hold
        finally:
            self._bytes -= held

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[bool]:
        """See :class:`Admission`."""
        has_to_wait = self._turns.locked()
        if has_to_wait:
            self._refuse_if_full()
        self.waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self.waiting -= 1
        try:
            yield has_to_wait
        finally:
            self._turns.release()

    def _refuse_if_full(self) -> None:
        if self.waiting >= self._most_waiting:
            raise _too_much()


def _free(_: int) -> None:
    """Nothing is counted."""


def _too_much() -> NotStoredError:
    return NotStoredError("too much at once; send it again later")
