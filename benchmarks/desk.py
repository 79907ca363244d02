"""What the desk costs when the store holds years of history and a room is full of supervisors.

Method: N incidents over ten years (``long_history.py``), given addresses and words and put into the
search index, are served on 127.0.0.1. ``drill_p95_ms`` is from a click in Chromium (1440 × 900) on
a community, a count, a bar or a kind, or back, until the figures of the new view and the first rows
of its list are on the page; ``board_p95_ms`` is what reading such a board takes the server, in
processor time, with nothing kept from another. ``search_p95_ms`` is one answer of the search box,
for words, numbers and first letters, found or not. Then ``users`` supervisors hold different views
open and ``walls`` the wall, all in another process, while one incident a second is entered:
``lag_p95_ms`` is from its commit until the last byte of the change has reached a screen of the
desk, ``wall_lag_p95_ms`` the same for the walls; ``cpu_pct`` is the server's share of one core
meanwhile, ``rss_mb`` its largest memory.
"""

import argparse
import asyncio
import json
import multiprocessing
import random
import resource
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice, product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import Page, sync_playwright
from sqlalchemy import text

from benchmarks.changes import percentile
from benchmarks.history import opened_or_built
from benchmarks.latency import FLAGS, serving
from benchmarks.long_history import KINDS, NOW
from dashboard.server import create_app
from pipelines.clock import FastClock, SteadyClock
from pipelines.desk.board import read_board
from pipelines.door.books import Books
from pipelines.host.memory import collect_less_often
from pipelines.installation import Installation
from pipelines.model.fact import Fact, Statement
from pipelines.model.incident import fold
from pipelines.model.milestone import Milestone
from pipelines.roles.live import Live, Role
from pipelines.store import schema
from pipelines.store.rows import from_ms
from pipelines.store.search import add_documents, document, prepare

ROADS = ("富春路", "新塘路", "钱江路", "之江路", "庆春东路", "秋涛北路", "景昙路", "凯旋路")
ESTATES = (
    "怡和花园",
    "钱运公寓",
    "江韵苑",
    "春晓新村",
    "云帆国际",
    "明岸商务楼",
    "桂语苑",
    "百合公寓",
)
MATTERS = (
    "邻里争吵",
    "电动车冒烟",
    "占道经营",
    "电梯困人",
    "夜间施工",
    "老人走失",
    "路面破损",
    "售后",
)
CHUNK = 20_000
DRILLS = 40
SEARCHES = 200
UPDATES = 30
_DRAWN = """() => {
    const state = document.querySelector('#cases-state');
    return state && !document.body.classList.contains('is-turning')
        && document.body.dataset.rows === state.dataset.total
        && (state.dataset.total === '0' || document.querySelector('#cases-grid a.case-time'));
}"""
_CLICK = """selector => {
    window.clicked = 0;
    const began = performance.now();
    delete document.body.dataset.rows;
    if (selector) document.querySelector(selector).click(); else history.back();
    const look = () => {
        const drawn = (DRAWN)();
        if (drawn) requestAnimationFrame(() => { window.clicked = performance.now() - began; });
        else setTimeout(look, 4);
    };
    setTimeout(look, 0);
}""".replace("DRAWN", _DRAWN)


def main() -> None:
    """Build, ask, click, watch and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--incidents", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--walls", type=int, default=20)
    parser.add_argument("--store", type=Path, help="a folder to keep the store in, or to reuse")
    parser.add_argument("--json", action="store_true", help="print nothing but the JSON line")
    options = parser.parse_args()
    if not options.json:
        print(__doc__)
    collect_less_often()  # as the product does
    with TemporaryDirectory() as name:
        folder = options.store or Path(name)
        print(json.dumps(measure(folder, options.incidents, options.users, options.walls)))


def measure(folder: Path, incidents: int, users: int, walls: int) -> dict[str, float | int | str]:
    """All figures of one store."""
    installation = opened_or_built(folder, incidents)
    give_words(installation)
    base = SteadyClock()
    start = base.now()
    now = _after_the_last(installation)
    clock = FastClock(base=base, anchor=start, start=now, rate=1.0)
    live = Live(installation, clock=clock, role=Role.SERVE)
    boards = [board_ms(installation, view, now) for view in views(users)]
    searches = [search_ms(live, sought) for sought in islice(words(), SEARCHES)]
    with serving(create_app(live, build="bench")) as url:
        drills = clicks(url)
        lags, cpu = watched(installation, live, url, users, walls)
    return {
        "benchmark": "desk",
        "incidents": incidents,
        "drill_p50_ms": round(percentile(drills, 0.5)),
        "drill_p95_ms": round(percentile(drills, 0.95)),
        "board_p95_ms": round(percentile(boards, 0.95), 1),
        "search_p50_ms": round(percentile(searches, 0.5), 1),
        "search_p95_ms": round(percentile(searches, 0.95), 1),
        "users": users,
        "walls": walls,
        "lag_p95_ms": round(percentile(lags["desk"], 0.95)),
        "wall_lag_p95_ms": round(percentile(lags["wall"], 0.95)),
        "cpu_pct": round(cpu * 100),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _after_the_last(installation: Installation) -> datetime:
    """A moment when all has begun: an earlier run on the store left what began after ``NOW``."""
    with installation.store.reading() as reader:
        (row,) = reader.rows(text("SELECT max(t0_ms) AS last FROM incident"))
    return max(NOW, from_ms(row.last) + timedelta(minutes=1))


def give_words(installation: Installation) -> None:
    """Addresses and words for every incident, all from its number, and the index over them."""
    with installation.store.reading() as reader:
        if reader.rows(text("SELECT 1 FROM incident WHERE address IS NOT NULL LIMIT 1")):
            return
        keys = [row.key for row in reader.each(text("SELECT key FROM incident ORDER BY t0_ms"))]
    with installation.store.writing() as writer:
        prepare(writer)
        connection = writer.connection
        connection.exec_driver_sql("CREATE INDEX by_key ON incident (key)")
        for i in range(0, len(keys), CHUNK):
            said = [(*_said(int(key[1:])), key) for key in keys[i : i + CHUNK]]
            connection.exec_driver_sql(
                "UPDATE incident SET address = ?, title = ? WHERE key = ?", said
            )
            ids = connection.exec_driver_sql(
                "SELECT id, key FROM incident WHERE key BETWEEN ? AND ?", (said[0][2], said[-1][2])
            ).all()
            by_key = {key: (key, address, title) for address, title, key in said}
            add_documents(writer, [document(row.id, by_key[row.key]) for row in ids])
        connection.exec_driver_sql("DROP INDEX by_key")


def _said(number: int) -> tuple[str, str]:
    mixed = number * 2654435761 % 2**32
    road, estate, matter = (
        names[mixed >> shift & 7] for names, shift in ((ROADS, 3), (ESTATES, 9), (MATTERS, 15))
    )
    return f"四季青街道{road}{mixed % 997 + 1}号{estate}{mixed % 41 + 1}幢", matter


def views(number: int) -> list[dict[str, str]]:
    """So many different views of the street, each of which shows what is entered last."""
    every = product(
        ("30d", "7d", "today", "90d"),
        ("arrived", "accepted", "dispatched"),
        ("before", "week"),
        ("incidents", "missed", "rate"),
    )
    names = ("window", "milestone", "versus", "shade")
    return [dict(zip(names, one, strict=True)) for one in islice(every, number)]


def board_ms(installation: Installation, view: dict[str, str], now: datetime) -> float:
    """Milliseconds of processor time of one board."""
    begin = time.process_time()
    with installation.store.reading() as reader:
        read_board(reader, installation, view, now=now)
    return (time.process_time() - begin) * 1000


def words() -> Iterator[str]:
    """What people type: places, first letters, numbers, and what is not there."""
    dice = random.Random(5)
    while True:
        number = dice.randrange(10**6)
        address, matter = _said(number)
        yield dice.choice(
            (
                address[5:],
                address[5:8],
                f"C{number:09}",
                matter,
                "sjq",
                "yhhy",
                f"{dice.choice(ESTATES)} {dice.choice(MATTERS)}",
                "没有这个地方",
                "四",
            )
        )


def search_ms(live: Live, sought: str) -> float:
    """Milliseconds of one answer of the search box."""
    begin = time.perf_counter()
    live.find(sought)
    return (time.perf_counter() - begin) * 1000


def clicks(url: str) -> list[float]:
    """Milliseconds from each click to what it leads to."""
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{url}/?lang=en")
        page.wait_for_function(_DRAWN, timeout=60_000)
        taken = [drill(page, i) for i in range(DRILLS)]
        browser.close()
    return taken[4:]  # the first ones warm the page


def drill(page: Page, number: int) -> float:
    """One click, by turns on a part, a count, a bar and a kind, with a way back after each."""
    steps = (
        "#parts-rows li:nth-child({n}) a.part__name",
        "",
        ".desk-tile:nth-child(3) .count--miss",
        "",
        ".course__slot:nth-child({n})",
        "",
        "#kinds-rows li:nth-child({n}) a.part__name",
        "",
    )
    page.evaluate(_CLICK, steps[number % len(steps)].format(n=2 + number % 5))
    page.wait_for_function("() => window.clicked > 0", timeout=60_000)
    return float(page.evaluate("window.clicked"))


def watched(
    installation: Installation, live: Live, url: str, users: int, walls: int
) -> tuple[dict[str, list[float]], float]:
    """Milliseconds until each change was on a screen, by page, and the server's share of a core."""
    wanted = [("desk", f"/stream?{urlencode({'page': '', **view})}") for view in views(users)]
    wanted += [("wall", "/stream?page=wall")] * walls
    with _screens(url, wanted) as heard:
        begin, used = time.monotonic(), _processor_s()
        committed = []
        for number in range(UPDATES):
            time.sleep(max(0.0, begin + number - time.monotonic()))
            enter(installation, live, number)
            committed.append(time.monotonic())
        time.sleep(3.0)
        cpu = (_processor_s() - used) / (time.monotonic() - begin)
        messages = heard()
    lags: dict[str, list[float]] = {"desk": [], "wall": []}
    for (page, _), moments in zip(wanted, messages, strict=True):
        for commit in committed:
            after = [moment for moment in moments if moment > commit]
            if after:
                lags[page].append((after[0] - commit) * 1000)
    return lags, cpu


def _processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def enter(installation: Installation, live: Live, number: int) -> None:
    """One incident that has just begun, as the books keep it."""
    said = Statement(
        source="s110",
        incident_key=f"NEW{time.monotonic_ns()}-{number}",
        record_id="1",
        recorded_at=live.now(),
        ordinal=1,
        content=b"",
        facts=(Fact(Milestone.REPORTED, live.now() - timedelta(seconds=1)),),
        kind=KINDS[0],
    )
    books = Books(installation.desk.rules, installation.desk.zone)
    with installation.store.writing() as writer:
        row = books.enter(fold([said]))
        writer.add(schema.incident, [row])
        books.write(writer)


@contextmanager
def _screens(url: str, wanted: list[tuple[str, str]]) -> Iterator[Callable[[], list[list[float]]]]:
    """Screens in another process; the function says when each got a change, and ends them."""
    here, there = multiprocessing.Pipe()
    ready = multiprocessing.Event()
    port = urlsplit(url).port or 80
    paths = [path for _, path in wanted]
    reading = multiprocessing.Process(target=_read, args=(port, paths, ready, there), daemon=True)
    reading.start()
    ready.wait(120)

    def heard() -> list[list[float]]:
        here.send("enough")
        found: list[list[float]] = here.recv()
        return found

    yield heard
    reading.join(10)


def _read(port: int, paths: list[str], ready: Any, pipe: Any) -> None:
    moments: list[list[float]] = [[] for _ in paths]
    first = [False] * len(paths)
    everybody = asyncio.Event()

    async def screen(i: int, path: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        async for line in reader:
            if line.startswith(b"data:") and b'"props"' in line:
                if first[i]:
                    moments[i].append(time.monotonic())
                first[i] = True
                if all(first):
                    everybody.set()

    async def everyone() -> None:
        tasks = [asyncio.create_task(screen(i, path)) for i, path in enumerate(paths)]
        await everybody.wait()
        ready.set()
        await asyncio.to_thread(pipe.poll, None)
        for task in tasks:
            task.cancel()
        pipe.send(moments)

    asyncio.run(everyone())


if __name__ == "__main__":
    main()
