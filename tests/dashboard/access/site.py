"""A whole site behind its guard, on a real socket, with people in it."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import httpx

from dashboard.access.admin import Admin
from dashboard.access.console import Looked, console_routes
from dashboard.access.forgery import CSRF_HEADER
from dashboard.access.gate import Gate
from dashboard.access.guard import COOKIE, Guard, content_policy
from dashboard.access.keeper import Keeper
from dashboard.access.person import Role
from dashboard.access.rehearsing import canary_route
from dashboard.access.reveal import reveal_route
from dashboard.hub import Pace
from dashboard.server import create_app
from tests.builders import NINE
from tests.dashboard.builders import FakeBackend
from tests.dashboard.serving import Server

PASSWORD = "Hangzhou-2026"
QUICK = Pace(poll_s=0.01, refresh_s=0.2, beat_s=0.2, rest_share=0.0)


class Site:
    """The web side on 127.0.0.1 with accounts, and what a test needs to get in."""

    def __init__(self, keeper: Keeper, backend: FakeBackend, clock: Callable[[], datetime]) -> None:
        self.keeper = keeper
        self.backend = backend
        gate = Gate(keeper, clock, secure=False).routes
        admin = Admin(backend, keeper, clock, secure=False, time_zone="Asia/Shanghai",
                      grouped=frozenset({"oidc"})).routes  # fmt: skip
        console = console_routes(backend, keeper, clock)
        canary = canary_route(backend, keeper.audit, clock, asks_who=True)
        more = [*gate, *admin, reveal_route(backend, keeper, clock), canary, *console]
        app = create_app(backend, build="test", pace=QUICK, more=more)
        hosts = frozenset({"127.0.0.1"})
        policy = content_policy(app.state.script_hashes)
        guard = Guard(
            Looked(app, keeper, clock), keeper=keeper, clock=clock, hosts=hosts, policy=policy
        )
        self.server = Server(backend, app=guard)

    def session(self, role: Role, name: str = "", *, scope: str | None = None) -> str:
        """The cookie of somebody with this role, and perhaps a scope."""
        if role is Role.WALL:
            added = self.keeper.add_wall(name or "hall", by="x", now=NINE, scope=scope)
            return self.keeper.enter_wall(added, now=NINE)
        name = name or f"the {role}"
        invited = self.keeper.invite(name, role, by="x", now=NINE, scope=scope)
        self.keeper.set_password(invited, PASSWORD, now=NINE)
        return self.keeper.log_in(name, PASSWORD, peer="", now=NINE)

    def browser(self, token: str | None) -> httpx.Client:
        """A client that sends what a page of ours, with this cookie, would."""
        cookies = {COOKIE: token} if token else {}
        headers = {"sec-fetch-site": "same-origin"}
        if token:
            headers[CSRF_HEADER] = hashlib.sha256(f"grid135:csrf:{token}".encode()).hexdigest()
        return httpx.Client(base_url=self.server.url, cookies=cookies, headers=headers, timeout=20)


@contextmanager
def site(
    keeper: Keeper, backend: FakeBackend, clock: Callable[[], datetime] = lambda: NINE
) -> Iterator[Site]:
    """A site for as long as the block lasts."""
    whole = Site(keeper, backend, clock)
    try:
        yield whole
    finally:
        whole.server.stop()
