"""The hub: knows which screens show which view, draws each view once, pushes what changed."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import orjson

from dashboard.backend import Backend
from dashboard.drawing import Artist, Drawing
from dashboard.pages import PAGES
from dashboard.pages.page import Page, Picture
from dashboard.text import say_in
from dashboard.text.format import epoch_ms
from dashboard.views import View
from pipelines.host.tracing import span

log = logging.getLogger(__name__)

WALL = "wall"
"""The page of the walls, which nobody operates."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How often the hub looks, and how long it waits. All in seconds but the shares and ``queue``.

    After a round the hub rests ``rest_share`` times as long as it took, at most ``rest_most_s``,
    and always ``rest_least`` times as long: a flood of changes costs a third of a core where a
    round is short, and never more than two thirds, while the last view of a long round does not
    wait twice as long again. A store that cannot be read is noticed by the next drawing, and is
    to be said within five seconds.
    """

    poll_s: float = 0.05
    refresh_s: float = 4.0
    beat_s: float = 2.0
    send_timeout_s: float = 15.0
    retry_s: float = 0.5
    rest_share: float = 2.0
    rest_most_s: float = 0.3
    rest_least: float = 0.5
    queue: int = 8

    def rest_s(self, took_s: float) -> float:
        """How long to rest after a round."""
        least = min(self.rest_least, self.rest_share) * took_s
        return max(least, min(self.rest_share * took_s, self.rest_most_s))


@dataclass(slots=True)
class Counters:
    """What the hub has done since it started."""

    draws: int = 0
    pushes: int = 0
    screens: int = 0
    overflows: int = 0
    failures: int = 0
    pushed_bytes: int = 0


@dataclass(eq=False, slots=True)
class _Shown:
    """What the screens of one view show now, and of what it was drawn.

    ``version`` is the store's from before it was read: what changes meanwhile counts as news.
    """

    drawing: Drawing = field(default_factory=dict)
    picture: object = None
    screens: "set[Screen]" = field(default_factory=set)
    version: int | None = None
    drawn_at: float = 0.0
    next_change_at: datetime | None = None


class Screen:
    """One open page: a short queue of messages, and a fall-back to the full state."""

    def __init__(self, hub: "Hub", view: View) -> None:
        self.view = view
        self._hub = hub
        self._queue: deque[bytes] = deque()
        self._wants_full = True
        self._news = asyncio.Event()

    async def next(self) -> bytes:
        """The next message for this screen; a heartbeat when there is nothing to say."""
        try:
            async with asyncio.timeout(self._hub.pace.beat_s):
                return await self._message()
        except TimeoutError:
            return self._hub.beat(self.view)

    def offer(self, message: bytes) -> None:
        """Queue a change. A screen that is too far behind will get the full state instead."""
        if self._wants_full:
            self._news.set()
            return
        if len(self._queue) >= self._hub.pace.queue:
            self._hub.counters.overflows += 1
            self._queue.clear()
            self._wants_full = True
        else:
            self._queue.append(message)
        self._news.set()

    def stir(self) -> None:
        """Look again whether there is something to send."""
        self._news.set()

    async def _message(self) -> bytes:
        while True:
            self._news.clear()
            if self._wants_full and (message := self._hub.full_state(self.view)):
                self._wants_full = False
                return message
            if self._queue:
                return self._queue.popleft()
            await self._news.wait()


class _Drawn(NamedTuple):
    """One reading, and what was drawn of it for each of the views that it is for.

    ``shown`` is what of the picture a view shows; where that is as it was, nothing was drawn.
    """

    version: int
    at: float
    pictures: list[Picture]
    shown: dict[View, object]
    drawings: dict[View, Drawing]


class Hub:
    """One drawing per changed view, shared by all of its screens.

    Everything but the drawing runs in the event loop; the reading and the drawing run in a
    worker thread, one view after the other, and each is pushed as soon as it is drawn. In a round
    the walls come first, then what was drawn longest ago; who waits for a first picture goes
    before all. What a page shows is read once for all its languages.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        build: str,
        pace: Pace | None = None,
        pages: Mapping[str, Page] = PAGES,
    ) -> None:
        self.pace = pace or Pace()
        self.counters = Counters()
        self._backend = backend
        self._build = build
        self._pages = pages
        self._artist = Artist()
        self._shown: dict[View, _Shown] = {}
        self._wake = asyncio.Event()
        self._seq = 0
        self._rest_until = 0.0
        self._drawn_at = 0.0
        self._good_at: datetime | None = None
        self._grids = ""
        self._mark = ""
        self._failing = False

    def join(self, view: View) -> Screen:
        """Register a screen; it gets the full state as its first message."""
        shown = self._shown.setdefault(view, _Shown())
        screen = Screen(self, view)
        shown.screens.add(screen)
        self.counters.screens += 1
        if not shown.drawing:
            self._wake.set()
        return screen

    def leave(self, screen: Screen) -> None:
        """Forget a screen, and its view when it was the last one."""
        shown = self._shown.get(screen.view)
        if shown is None or screen not in shown.screens:
            return
        shown.screens.discard(screen)
        self.counters.screens -= 1
        if not shown.screens:
            del self._shown[screen.view]

    def watching(self) -> dict[str, int]:
        """How many screens show each page. Filters are left out: they may name an incident."""
        pages: dict[str, int] = {}
        for view, shown in self._shown.items():
            pages[view.page] = pages.get(view.page, 0) + len(shown.screens)
        return pages

    def measures(self) -> dict[str, float]:
        """What it has done and has to do, in numbers; see :mod:`pipelines.metrics`."""
        counters = self.counters
        return {
            "stream_clients": counters.screens,
            "hub_views": len(self._shown),
            "hub_draws_total": counters.draws,
            "hub_pushes_total": counters.pushes,
            "hub_pushed_bytes_total": counters.pushed_bytes,
            "hub_overflows_total": counters.overflows,
            "hub_failures_total": counters.failures,
        }

    async def run(self) -> None:
        """Watch the store and push, until cancelled."""
        while True:
            if self._shown:
                await self._round()
            await self._pause(self.pace.poll_s)

    async def still(self, view: View) -> bytes:
        """One drawing of a view, for a screen that asks for moment after moment itself."""
        drawing = await asyncio.to_thread(self._drawn_once, view)
        props = b",".join(orjson.dumps(leaf) + b":" + body for leaf, body in drawing.items())
        return b'{"props":{%b}}' % props

    def _drawn_once(self, view: View) -> Drawing:
        page, looks = self._pages[view.page], dict(view.filters)
        read = {name: value for name, value in looks.items() if name not in page.looks}
        picture = page.look(page.read(self._backend.seen_by(view.clearance), read), looks)
        return self._artist.draw(page.panels, picture, say_in(view.language))

    def full_state(self, view: View) -> bytes | None:
        """Everything a screen of this view shows, or None before the first drawing."""
        shown = self._shown.get(view)
        if shown is None or not (shown.drawing or self._failing):
            return None
        return self._encode(view, shown.drawing, full=True)

    def beat(self, view: View) -> bytes:
        """A sign of life with the server's time."""
        return b"event: beat\ndata: " + orjson.dumps(self._head(view, full=False)) + b"\n\n"

    async def _round(self) -> None:
        """Draw and push what is due, one reading after the other; then rest."""
        started = time.monotonic()
        if self._failing and started - self._drawn_at < self.pace.retry_s:
            return
        due = self._due() if started >= self._rest_until else []
        if due or not all(shown.drawing for shown in self._shown.values()):
            self._mark = await asyncio.to_thread(self._marked)
        while True:
            # who waits for a first picture is not kept waiting by those who have one
            new = _together(view for view, shown in self._shown.items() if not shown.drawing)
            if not (new or due):
                return
            views = new[0] if new else tuple(v for v in due.pop(0) if v in self._shown)
            if views and not await self._refresh(views):
                return
            if not new:
                took = time.monotonic() - started
                self._rest_until = started + took + self.pace.rest_s(took)

    def _due(self) -> list[tuple[View, ...]]:
        """What is to be drawn anew, together what is read once, in the order of drawing."""
        now = time.monotonic()
        try:
            version, at = self._backend.version(), self._backend.now()
        except Exception:  # noqa: BLE001 - as in _refresh
            self._fail()
            return []
        due = [
            (view.page != WALL, shown.drawn_at, i)
            for i, (view, shown) in enumerate(self._shown.items())
            if shown.drawing
            and (
                self._failing
                or version != shown.version
                or now - shown.drawn_at >= self.pace.refresh_s
                or (shown.next_change_at is not None and at >= shown.next_change_at)
            )
        ]
        views = tuple(self._shown)
        return _together(views[i] for _, _, i in sorted(due))

    def _marked(self) -> str:
        try:
            return self._backend.reload_mark()
        except Exception:  # noqa: BLE001 - the drawing that follows will meet it too
            return self._mark

    async def _refresh(self, views: tuple[View, ...]) -> bool:
        """Draw some views that are read once, and push them; False when the store is gone."""
        try:
            with span("draw", views=len(views)):
                drawn = await asyncio.to_thread(self._draw, views)
        # Whatever is wrong with the store, the screens keep their last state and are told.
        except Exception:  # noqa: BLE001
            self._drawn_at = time.monotonic()
            self._fail()
            return False
        self._drawn_at = time.monotonic()
        self._succeed(drawn)
        self.counters.draws += len(drawn.drawings)
        for view, drawing in drawn.drawings.items():
            self._push(view, drawing)
        return True

    def _draw(self, views: Iterable[View]) -> _Drawn:
        # The version is read first: a change during the read then counts as news, not as seen.
        version, at = self._backend.version(), time.monotonic()
        pictures: dict[View, Picture] = {}
        contents: dict[View, object] = {}
        drawings: dict[View, Drawing] = {}
        for view in views:
            page, what = self._pages[view.page], view.subject
            if what not in pictures:
                seen = self._backend.seen_by(what.clearance)
                pictures[what] = page.read(seen, dict(what.filters))
            picture = page.look(pictures[what], dict(view.filters))
            contents[view], known = page.shown(picture), self._shown.get(view)
            is_new = known is None or not known.drawing or known.picture != contents[view]
            if is_new or self._artist.has_failed:
                drawings[view] = self._artist.draw(page.panels, picture, say_in(view.language))
        return _Drawn(version, at, list(pictures.values()), contents, drawings)

    def _push(self, view: View, drawing: Drawing) -> None:
        shown = self._shown.get(view)
        if shown is None:
            return
        changed = {k: v for k, v in drawing.items() if shown.drawing.get(k) != v}
        shown.drawing = {**shown.drawing, **drawing}
        if changed:
            self._broadcast(view, shown, changed)

    def _broadcast(self, view: View, shown: _Shown, changed: Drawing) -> None:
        self._seq += 1
        self.counters.pushes += 1
        message = self._encode(view, changed, full=False)
        self.counters.pushed_bytes += len(message)
        for screen in shown.screens:
            screen.offer(message)

    def _succeed(self, drawn: _Drawn) -> None:
        changes = [_later(picture.next_change_at, picture.now) for picture in drawn.pictures]
        change = min((at for at in changes if at is not None), default=None)
        for picture in drawn.pictures:
            self._good_at = picture.now
            self._grids = picture.grids_version
        for view, picture_shown in drawn.shown.items():
            if shown := self._shown.get(view):
                shown.picture = picture_shown
                shown.version, shown.drawn_at = drawn.version, drawn.at
                shown.next_change_at = change
        if self._failing:
            self._failing = False
            log.warning("the store can be read again")
            for view, shown in self._shown.items():
                self._broadcast(view, shown, {})

    def _fail(self) -> None:
        """Say so once in the log and once on every screen."""
        if not self._failing:
            self._failing = True
            self.counters.failures += 1
            log.exception("the store cannot be read; the screens keep their last state")
            for view, shown in self._shown.items():
                self._broadcast(view, shown, {})

    def _encode(self, view: View, drawing: Drawing, *, full: bool) -> bytes:
        head = orjson.dumps(self._head(view, full=full))
        props = b",".join(orjson.dumps(leaf) + b":" + body for leaf, body in drawing.items())
        return b'id: %d\ndata: %b,"props":{%b}}\n\n' % (self._seq, head[:-1], props)

    def _head(self, view: View, *, full: bool) -> dict[str, object]:
        unstored = self._backend.unstored_since()
        return {
            "now_ms": epoch_ms(self._backend.now()),
            "rate": self._backend.rate,
            "seq": self._seq,
            "build": self._edition(view),
            "full": full,
            "stale_ms": self._stale_ms(),
            "unstored_ms": None if unstored is None else epoch_ms(unstored),
        }

    def _edition(self, view: View) -> str:
        """What a page is made of; one that hears of another loads itself anew.

        Walls can be told to by command. Whoever writes on a desk is not interrupted.
        """
        if not self._grids:
            return ""
        mark = self._mark if view.page == WALL else ""
        return "+".join(part for part in (self._build, self._grids, mark) if part)

    def _stale_ms(self) -> int | None:
        """Since when the screens show old data, if they do."""
        overdue = time.monotonic() - self._drawn_at > 3 * self.pace.refresh_s
        if not (self._failing or (overdue and self._shown)):
            return None
        return epoch_ms(self._good_at or self._backend.now())

    async def _pause(self, seconds: float) -> None:
        """Rest; a new screen on a view that is not drawn yet ends it early."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()


def _together(views: Iterable[View]) -> list[tuple[View, ...]]:
    """Views that are read once, together, in the order of the first of them."""
    found: dict[View, list[View]] = {}
    for view in views:
        found.setdefault(view.subject, []).append(view)
    return [tuple(several) for several in found.values()]


def _later(moment: datetime | None, now: datetime) -> datetime | None:
    """A change that is already in the snapshot is no reason to draw again."""
    return moment if moment is not None and moment > now else None
