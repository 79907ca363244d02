"""The event stream of one screen, over one long response."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from starlette.types import Receive, Scope, Send

from dashboard.hub import Hub, Screen
from dashboard.views import View

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
OVER = b"event: over\ndata: {}\n\n"
"""The last message of a stream whose viewer may look no longer."""
RETRY_MS = 1000
"""What a browser waits by itself; the page's own script does not rely on it."""


class EventStream:
    """An ASGI response that sends a screen its messages until either side goes away.

    A client that does not read is let go after the hub's send timeout: what it holds in the
    meantime is one short queue. Before every message ``may_go_on`` is asked whether whoever looks
    may still see this view; when not, the stream ends.
    """

    def __init__(
        self, hub: Hub, view: View, may_go_on: Callable[[], Awaitable[bool]] | None = None
    ) -> None:
        self._hub = hub
        self._view = view
        self._may_go_on = may_go_on

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one client."""
        screen = self._hub.join(self._view)
        try:
            await _first_of(self._send_all(screen, send), _gone(receive))
        finally:
            self._hub.leave(screen)

    async def _send_all(self, screen: Screen, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await self._send(send, b"retry: %d\n\n" % RETRY_MS)
        while True:
            message = await screen.next()
            if self._may_go_on is not None and not await self._may_go_on():
                await self._send(send, OVER, more=False)
                return
            await self._send(send, message)

    async def _send(self, send: Send, body: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(self._hub.pace.send_timeout_s):
            await send({"type": "http.response.body", "body": body, "more_body": more})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _first_of(*work: Coroutine[Any, Any, None]) -> None:
    """Run until the first ends; a send that timed out or a broken pipe is an ordinary end."""
    tasks = [asyncio.create_task(w) for w in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, OSError):
            raise result
